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
  'before-unwrap',
  'after-unwrap',
  'before-answer',
] as const;

export type CrashPoint = (typeof crashPoints)[number];

/** Does nothing unless the configuration names a point (`after-tiles`, or `after-tiles:3` for its third passing), which only the development profile may. */
@Injectable()
export class CrashPoints {
  readonly #point: string | undefined;
  #left: number;

  constructor(@Inject(testingConfig.token) config: TestingConfig) {
    const [point, count = '1'] = config.crashAt?.split(':', 2) ?? [];
    this.#point = point;
    this.#left = Number(count);
  }

  /** Ends the process as a power cut would: no handlers, no flushing. */
  at(point: CrashPoint): void {
    if (this.#point !== point) return;
    this.#left -= 1;
    if (this.#left <= 0) process.kill(process.pid, 'SIGKILL');
  }
}
