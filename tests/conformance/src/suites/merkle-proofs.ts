import { verifyConsistency, verifyInclusion } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, parseJson, readText } from '../vectors.js';

interface ProofVector {
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface InclusionVector extends ProofVector {
  readonly leafIdx: bigint;
  readonly treeSize: bigint;
  readonly root: string | null;
  readonly leafHash: string | null;
}

interface ConsistencyVector extends ProofVector {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: string | null;
  readonly root2: string | null;
}

export const inclusionSuite: Suite = {
  name: 'tlog-inclusion',
  folder: 'tlog/merkle-proofs/inclusion',
  run: (folder) =>
    runProofs<InclusionVector>(folder, (vector) => {
      verifyInclusion({
        index: vector.leafIdx,
        size: vector.treeSize,
        leafHash: bytes(vector.leafHash),
        rootHash: bytes(vector.root),
        proof: (vector.proof ?? []).map(bytes),
      });
    }),
};

export const consistencySuite: Suite = {
  name: 'tlog-consistency',
  folder: 'tlog/merkle-proofs/consistency',
  run: (folder) =>
    runProofs<ConsistencyVector>(folder, (vector) => {
      verifyConsistency({
        oldSize: vector.size1,
        newSize: vector.size2,
        oldRootHash: bytes(vector.root1),
        newRootHash: bytes(vector.root2),
        proof: (vector.proof ?? []).map(bytes),
      });
    }),
};

async function runProofs<T extends ProofVector>(folder: string, verify: (vector: T) => void): Promise<SuiteCase[]> {
  const cases: SuiteCase[] = [];
  for (const file of (await listFiles(folder)).filter((each) => each.endsWith('.json'))) {
    const vector = parseJson(await readText(folder, file)) as T;
    const expected = vector.wantErr ? 'reject' : 'accept';
    cases.push({ case: file.slice(0, -5), expected, got: await outcome(() => verify(vector)) });
  }
  return cases;
}

function bytes(text: string | null): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64'));
}
