import { entriesPathOf, parseTilePath, tilePath, tileWidth } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, parseJson, readText } from '../vectors.js';

interface LayoutVectors {
  readonly tilePaths?: readonly { readonly level: bigint; readonly index: bigint; readonly p: bigint; readonly path: string }[];
  readonly entriesPathForLogIndex?: readonly { readonly seq: bigint; readonly size: bigint; readonly path: string }[];
  readonly parseReject?: readonly (readonly [string, string])[];
  readonly parseAccept?: readonly { readonly level: string; readonly index: string; readonly n: bigint | string; readonly p: bigint }[];
  readonly partials?: readonly ({ readonly size: bigint } & Readonly<Record<`level${number}`, { readonly full: bigint; readonly partial: bigint }>>)[];
}

/** Paths of tiles and bundles, written and read, and how many tiles a size has. A partial width of 0 in the vectors is the full tile. */
export const tileLayoutSuite: Suite = {
  name: 'tlog-tile-layout',
  folder: 'tlog/signed-notes',
  async run(folder) {
    const cases: SuiteCase[] = [];
    for (const file of (await listFiles(folder)).filter((each) => each.endsWith('.json'))) {
      cases.push(...(await runVectors(parseJson(await readText(folder, file)) as LayoutVectors)));
    }
    return cases;
  },
};

async function runVectors(vectors: LayoutVectors): Promise<SuiteCase[]> {
  const cases: SuiteCase[] = [];
  const add = async (name: string, expected: string, judge: () => unknown): Promise<void> => {
    cases.push({ case: name, expected, got: await outcome(judge) });
  };
  for (const { level, index, p, path } of vectors.tilePaths ?? []) {
    await add(`path of ${path}`, path, () => tilePath(Number(level), index, widthOf(p)));
    await add(`parse ${path}`, describe(level, index, p), () => parse(path));
  }
  for (const { seq, size, path } of vectors.entriesPathForLogIndex ?? []) {
    await add(`bundle of ${seq} at ${size}`, path, () => entriesPathOf(seq, size));
  }
  for (const [level, index] of vectors.parseReject ?? []) {
    await add(`parse tile/${level}/${index}`, 'reject', () => parse(`tile/${level}/${index}`));
  }
  for (const { level, index, n, p } of vectors.parseAccept ?? []) {
    await add(`parse tile/${level}/${index}`, describe(BigInt(level), BigInt(n), p), () => parse(`tile/${level}/${index}`));
  }
  for (const { size, ...levels } of vectors.partials ?? []) {
    for (const [name, { full, partial }] of Object.entries(levels)) {
      const level = Number(name.replace('level', ''));
      await add(`${name} of a log of ${size}`, `${full} full, ${partial} partial`, () => describeLevel(size, level));
    }
  }
  return cases;
}

function parse(path: string): string {
  const place = parseTilePath(path);
  const level = place.kind === 'tile' ? BigInt(place.level) : -1n;
  return describe(level, place.index, place.width === 256 ? 0n : BigInt(place.width));
}

function describe(level: bigint, index: bigint, partial: bigint): string {
  return `level ${level}, index ${index}, partial ${partial}`;
}

function describeLevel(size: bigint, level: number): string {
  let full = 0n;
  while (tileWidth(size, level, full) === 256) full += 1n;
  return `${full} full, ${tileWidth(size, level, full)} partial`;
}

function widthOf(partial: bigint): number {
  return partial === 0n ? 256 : Number(partial);
}
