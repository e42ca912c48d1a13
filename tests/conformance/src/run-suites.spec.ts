import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSuites } from './run-suites.js';
import type { Suite } from './suite.js';
import { suites } from './suites/index.js';
import { isFolder, outcome, parseJson } from './vectors.js';

const repository = resolve(fileURLToPath(import.meta.url), '../../../..');
const own = join(repository, 'tests/fixtures/vectors');
const published = resolve(repository, '../shared/vectors');
const ifPublished = (await isFolder(published)) ? it : it.skip;
const quiet = (): void => undefined;

async function expectAllPassed(vectors: string): Promise<void> {
  const { report, passed, failed } = await runSuites(suites, vectors, quiet);
  expect(report.suites.flatMap(({ name, failures }) => failures.map((failure) => ({ suite: name, ...failure })))).toEqual([]);
  expect(failed).toBe(0);
  expect(passed).toBeGreaterThan(100);
}

describe('the conformance suites', () => {
  it('pass on the vectors of our own making', () => expectAllPassed(own), 60_000);

  ifPublished('pass on the published vectors', () => expectAllPassed(published), 120_000);
});

describe('runSuites', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-conformance-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const suite = (run: Suite['run']): Suite => ({ name: 'example', folder: 'some/where', run });

  it('passes a case only when expected and got are the same', async () => {
    await mkdir(join(folder, 'some/where'), { recursive: true });
    const cases = [{ case: 'a', expected: 'accept', got: 'accept' }, { case: 'b', expected: 'reject', got: 'accept' }];
    const said: string[] = [];
    const result = await runSuites([suite(() => Promise.resolve(cases))], folder, (line) => said.push(line));
    expect(result.report).toEqual({ suites: [{ name: 'example', total: 2, passed: 1, failed: 1, failures: [cases[1]] }] });
    expect(result).toMatchObject({ passed: 1, failed: 1, skipped: 0 });
    expect(said).toEqual(['[1/1] example: 1 of 2 passed, 1 FAILED']);
  });

  it('skips a suite without a folder, or without cases', async () => {
    expect(await runSuites([suite(() => Promise.reject(new Error('not run')))], folder, quiet)).toMatchObject({ passed: 0, failed: 0, skipped: 1 });
    await mkdir(join(folder, 'some/where'), { recursive: true });
    expect(await runSuites([suite(() => Promise.resolve([]))], folder, quiet)).toMatchObject({ skipped: 1, report: { suites: [{ total: 0 }] } });
  });

  it('counts a suite that throws as failed', async () => {
    await mkdir(join(folder, 'some/where'), { recursive: true });
    const result = await runSuites([suite(() => Promise.reject(new TypeError('broken')))], folder, quiet);
    expect(result).toMatchObject({ failed: 1, report: { suites: [{ failures: [{ got: 'TypeError: broken' }] }] } });
  });

  it('fails on vectors that say the opposite of what is true', async () => {
    const proofs = 'tlog/merkle-proofs/inclusion/17-300';
    await cp(join(own, proofs), join(folder, proofs), { recursive: true });
    for (const [name, wantErr] of [['happy-path', true], ['next-index', false]] as const) {
      const file = join(folder, proofs, `${name}.json`);
      await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), wantErr }));
    }
    expect(await runSuites(suites, folder, quiet)).toMatchObject({ failed: 2 });
  });

  it('fails when a log differs from its tiles', async () => {
    await cp(join(own, 'tlog/own-log-changed_fail'), join(folder, 'tlog/changed'), { recursive: true });
    expect((await runSuites(suites, folder, quiet)).failed).toBeGreaterThan(0);
  });
});

describe('reading vectors', () => {
  it('keeps whole numbers exact, and strings as they are', () => {
    expect(parseJson('{"a": 18446744073709551615, "b": "12", "c": -3, "d": 1.5, "e": "x \\"7\\" y", "f": [1, null, true]}')).toEqual({
      a: 18446744073709551615n, b: '12', c: -3n, d: 1.5, e: 'x "7" y', f: [1n, null, true],
    });
  });

  it('does not take a defect for a refusal', async () => {
    expect(await outcome(() => Promise.reject(Object.assign(new Error('no'), { code: 'note-malformed' })))).toBe('reject');
    for (const cause of [new TypeError('x is undefined'), Object.assign(new Error('gone'), { code: 'ENOENT' })]) {
      await expect(outcome(() => Promise.reject(cause))).rejects.toBe(cause);
    }
    expect(await outcome(() => undefined)).toBe('accept');
  });
});
