import { Inject, Injectable } from '@nestjs/common';
import { testingConfig, type TestingConfig } from './platform.config.js';

/** Moments at which a test may have the process die, named by what has just been made durable. */
export const crashPoints = [
  'after-reserve',
  'after-sequence',
  'after-tiles',
  'after-checkpoint-file',
  'after-checkpoint',
  'after-log',
  'after-unwrap',
  'before-answer',
] as const;

export type CrashPoint = (typeof crashPoints)[number];

/** Does nothing unless the configuration names a point, which only the development profile may. */
@Injectable()
export class CrashPoints {
  constructor(@Inject(testingConfig.token) private readonly config: TestingConfig) {}

  /** Ends the process as a power cut would: no handlers, no flushing. */
  at(point: CrashPoint): void {
    if (this.config.crashAt === point) process.kill(process.pid, 'SIGKILL');
  }
}
