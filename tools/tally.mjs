// Counts of tests, and the one line by which every test command here ends.
import { readFileSync } from 'node:fs';

export const nothing = { passed: 0, failed: 0, skipped: 0 };

export function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The counts in the last closing line of `output`; undefined when there is none. */
export function readClosingLine(output) {
  const line = output.split('\n').filter((text) => /^\d+ passed, \d+ failed, \d+ skipped$/.test(text)).at(-1);
  const [passed, failed, skipped] = (line?.match(/\d+/g) ?? []).map(Number);
  return line === undefined ? undefined : { passed, failed, skipped };
}

/** Reads Jest's JSON report. A suite that could not even run counts as one failure; no report at all as well. */
export function readJestReport(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { ...nothing, failed: 1 };
  }
}
