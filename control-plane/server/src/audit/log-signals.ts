import { Injectable } from '@nestjs/common';
import { Signal } from './signal.js';

/** What recorders, sequencer and waiters of one process tell each other. */
@Injectable()
export class LogSignals {
  readonly recorded = new Signal();
  readonly published = new Signal();
}
