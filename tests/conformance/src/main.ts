import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSuites } from './run-suites.js';
import { suites } from './suites/index.js';
import { isFolder } from './vectors.js';

const usage = 'usage: npm run conformance -- [--vectors DIR] [--json FILE]';
const repository = resolve(fileURLToPath(import.meta.url), '../../../..');

class UsageError extends Error {}

/** Ends with 0 when all ran and passed, 1 when something failed, 2 when nothing could be run. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const vectors = await findVectors(options.vectors);
  const say = (line: string): void => console.log(line);
  say(`vectors: ${vectors}`);
  const { report, passed, failed, skipped } = await runSuites(suites, vectors, say);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  for (const suite of report.suites) {
    for (const failure of suite.failures) say(`FAILED ${suite.name} ${failure.case}: expected ${failure.expected}, got ${failure.got}`);
  }
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (passed + failed === 0) throw new UsageError(`no vectors of a known kind in ${vectors}`);
  return failed > 0 ? 1 : 0;
}

function readOptions(args: readonly string[]): { vectors?: string; json?: string } {
  try {
    const { values } = parseArgs({ args: [...args], options: { vectors: { type: 'string' }, json: { type: 'string' } } });
    if (values.vectors === '' || values.json === '') throw new UsageError('an option is empty');
    return values;
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`);
  }
}

async function findVectors(given: string | undefined): Promise<string> {
  const places = given === undefined ? [resolve(repository, '../shared/vectors'), resolve(repository, 'tests/fixtures/vectors')] : [resolve(given)];
  for (const place of places) if (await isFolder(place)) return place;
  throw new UsageError(`no folder of vectors at ${places.join(' or ')}\n${usage}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  console.error(cause instanceof UsageError ? cause.message : cause);
  process.exitCode = 2;
}
