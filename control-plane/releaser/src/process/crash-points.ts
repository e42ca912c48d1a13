/** Places of a release where tests end the process as a power cut would. */
export const CRASH_POINTS = ['before-unwrapping', 'after-unwrapping', 'after-unwrap', 'before-answer'] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/**
 * @param wanted value of STRONGROOM_CRASH_AT; undefined everywhere but in the development profile.
 * @param end ends the process at once, without any handler running.
 */
export function crashPoints(wanted: string | undefined, end: () => void): (point: CrashPoint) => void {
  return (point) => {
    if (point === wanted) end();
  };
}
