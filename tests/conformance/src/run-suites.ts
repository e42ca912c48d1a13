import { join } from 'node:path';
import type { Suite, SuiteCase } from './suite.js';
import { isFolder } from './vectors.js';

export interface SuiteReport {
  readonly name: string;
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly SuiteCase[];
}

export interface ConformanceReport {
  readonly suites: readonly SuiteReport[];
}

export interface ConformanceRun {
  readonly report: ConformanceReport;
  readonly passed: number;
  readonly failed: number;
  /** Suites whose vectors are not in the folder. */
  readonly skipped: number;
}

/**
 * Runs each suite on its folder below `vectors`. A suite without a folder, or that finds nothing of its kind in it, is skipped and
 * stands in the report with 0 cases. A suite that throws has failed.
 *
 * @param say gets one line for each suite as it ends.
 */
export async function runSuites(suites: readonly Suite[], vectors: string, say: (line: string) => void): Promise<ConformanceRun> {
  const reports: SuiteReport[] = [];
  let skipped = 0;
  for (const [at, suite] of suites.entries()) {
    const cases = await runSuite(suite, join(vectors, ...suite.folder.split('/')));
    const failures = cases.filter(({ expected, got }) => expected !== got);
    const report = { name: suite.name, total: cases.length, passed: cases.length - failures.length, failed: failures.length, failures };
    reports.push(report);
    if (cases.length === 0) skipped += 1;
    say(`[${at + 1}/${suites.length}] ${describe(suite, report)}`);
  }
  const sum = (count: (report: SuiteReport) => number): number => reports.reduce((total, report) => total + count(report), 0);
  return { report: { suites: reports }, passed: sum(({ passed }) => passed), failed: sum(({ failed }) => failed), skipped };
}

async function runSuite(suite: Suite, folder: string): Promise<readonly SuiteCase[]> {
  if (!(await isFolder(folder))) return [];
  try {
    return await suite.run(folder);
  } catch (cause) {
    return [{ case: suite.name, expected: 'the suite runs', got: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause) }];
  }
}

function describe(suite: Suite, { total, passed, failed }: SuiteReport): string {
  if (total === 0) return `${suite.name}: skipped, no vectors in ${suite.folder}`;
  return `${suite.name}: ${passed} of ${total} passed${failed > 0 ? `, ${failed} FAILED` : ''}`;
}
