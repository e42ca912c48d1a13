import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { emptyEdge, openNote, parseCheckpoint, parseNote, parseVkey, planAppend } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, readBytes, readText } from '../vectors.js';

type Digest = readonly [path: string, hex: string];

// A digest and the path of a tile or bundle on one line, in either order: `sha256sum` output, a table, or one member of a JSON object.
const HEX = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/;
const PATH = /tile\/(?:entries|\d+)\/[x0-9/]+(?:\.p\/\d+)?/;
const MAX_SIZE = 1_000_000n;

/**
 * Logs too large to keep, of which only the checkpoint and the SHA-256 of each final tile and bundle are kept; entry number i is the
 * ASCII text `entry i`. Our writer must come to the same digests and to the root of the checkpoint.
 */
export const digestOnlyLogsSuite: Suite = {
  name: 'tlog-digest-only-logs',
  folder: 'tlog',
  async run(root) {
    const files = await listFiles(root);
    const logs = files.filter((file) => /(^|\/)checkpoint$/.test(file)).map((file) => dirname(file));
    const cases: SuiteCase[] = [];
    for (const log of logs.filter((each) => !files.some((file) => file.startsWith(`${each}/tile/`)))) {
      const lists = files.filter((file) => dirname(file) === log && !/(checkpoint|vkey|LICENSE|README)/.test(file));
      const digests = (await Promise.all(lists.map((file) => readText(root, file)))).flatMap(readDigests);
      if (digests.length > 0) cases.push(...(await rewrite(root, log, digests, files.includes(`${log}/vkey.pub`))));
    }
    return cases;
  },
};

function readDigests(text: string): Digest[] {
  return text.split('\n').flatMap((line) => {
    const [path, hex] = [PATH.exec(line)?.[0], HEX.exec(line)?.[0]];
    return path === undefined || hex === undefined ? [] : [[path, hex] as const];
  });
}

async function rewrite(root: string, log: string, digests: readonly Digest[], hasKey: boolean): Promise<SuiteCase[]> {
  const note = await readBytes(root, log, 'checkpoint');
  const { size, rootHash } = parseCheckpoint(parseNote(note).text);
  if (size > MAX_SIZE) throw new RangeError(`${log} is too large to be written again`);
  const plan = planAppend(emptyEdge(), Array.from({ length: Number(size) }, (_, index) => Buffer.from(`entry ${index}`)));
  const written = new Map(plan.files.map(({ path, bytes }) => [path, createHash('sha256').update(bytes).digest('hex')]));
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const cases = [
    { case: `${log} root at ${size}`, expected: hex(rootHash), got: hex(plan.rootHash) },
    ...digests.map(([path, digest]) => ({ case: `${log} writes ${path}`, expected: digest, got: written.get(path) ?? 'nothing' })),
  ];
  if (!hasKey) return cases;
  const key = parseVkey((await readText(root, log, 'vkey.pub')).trim());
  return [{ case: `${log} checkpoint signature`, expected: 'accept', got: await outcome(() => void openNote(note, [key])) }, ...cases];
}
