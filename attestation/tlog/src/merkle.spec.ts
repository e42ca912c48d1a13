import { describe, expect, it } from '@jest/globals';
import { emptyRootHash, leafHash, nodeHash, verifyConsistency, verifyGrowth, verifyInclusion } from './merkle.js';
import { MemoryLog, testEntries } from './fakes/memory-log.js';

/** The definition of RFC 6962 section 2.1, word for word: nothing shared with the code under test but the two hashes. */
function treeHash(entries: readonly Uint8Array[]): Uint8Array {
  const [only] = entries;
  if (only === undefined) return emptyRootHash();
  if (entries.length === 1) return leafHash(only);
  let split = 1;
  while (split * 2 < entries.length) split *= 2;
  return nodeHash(treeHash(entries.slice(0, split)), treeHash(entries.slice(split)));
}

const code = (of: string): unknown => expect.objectContaining({ code: of });
const entries = testEntries(0, 70);
const log = new MemoryLog();
for (const entry of entries) log.append([entry]);
const rootOf = (size: number): Uint8Array => log.rootHashes.get(BigInt(size)) ?? new Uint8Array();

describe('the empty tree', () => {
  it('has the root that RFC 6962 gives it', () => {
    expect(Buffer.from(emptyRootHash()).toString('base64')).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  });
});

describe('verifyInclusion', () => {
  it('accepts each leaf of each tree up to 70 leaves, under the root that the definition gives', async () => {
    for (let size = 1; size <= entries.length; size += 1) {
      expect(rootOf(size)).toEqual(treeHash(entries.slice(0, size)));
      for (let index = 0; index < size; index += 1) {
        const proof = await log.reader.inclusionProof(BigInt(index), BigInt(size));
        const leaf = leafHash(entries[index] ?? new Uint8Array());
        verifyInclusion({ index: BigInt(index), size: BigInt(size), leafHash: leaf, proof, rootHash: rootOf(size) });
      }
    }
  });

  it('refuses the proof at another index, size, leaf or root, and with a hash more, less or changed', async () => {
    const proof = await log.reader.inclusionProof(21n, 53n);
    const claim = { index: 21n, size: 53n, leafHash: leafHash(entries[21] ?? new Uint8Array()), proof, rootHash: rootOf(53) };
    verifyInclusion(claim);
    const flipped = proof.map((hash, at) => (at === 2 ? hash.map((byte) => byte ^ 1) : hash));
    const forged = [
      { ...claim, index: 22n },
      { ...claim, index: 20n },
      { ...claim, size: 70n },
      { ...claim, leafHash: leafHash(entries[22] ?? new Uint8Array()) },
      { ...claim, rootHash: rootOf(52) },
      { ...claim, proof: [...proof, emptyRootHash()] },
      { ...claim, proof: [emptyRootHash(), ...proof] },
      { ...claim, proof: proof.slice(1) },
      { ...claim, proof: proof.slice(0, -1) },
      { ...claim, proof: flipped },
      { ...claim, proof: [] },
      { ...claim, proof: proof.map((hash) => hash.subarray(1)) },
      { ...claim, leafHash: new Uint8Array() },
      { ...claim, rootHash: new Uint8Array() },
    ];
    for (const each of forged) expect(() => verifyInclusion(each)).toThrow(code('inclusion-invalid'));
  });

  it('refuses an index outside the tree, or no unsigned 64-bit number', () => {
    const claim = { index: 0n, size: 1n, leafHash: emptyRootHash(), proof: [], rootHash: emptyRootHash() };
    verifyInclusion(claim);
    for (const range of [{ index: 1n }, { size: 0n }, { index: -1n }, { size: 1n << 64n }, { index: (1n << 64n) - 1n }]) {
      expect(() => verifyInclusion({ ...claim, ...range })).toThrow(code('merkle-range'));
    }
    expect(() => verifyInclusion({ ...claim, index: 0 as unknown as bigint })).toThrow(code('merkle-range'));
  });
});

describe('verifyConsistency', () => {
  it('accepts each pair of sizes up to 70', async () => {
    for (let newSize = 1n; newSize <= 70n; newSize += 1n) {
      for (let oldSize = 1n; oldSize <= newSize; oldSize += 1n) {
        const proof = await log.reader.consistencyProof(oldSize, newSize);
        verifyConsistency({ oldSize, newSize, oldRootHash: rootOf(Number(oldSize)), newRootHash: rootOf(Number(newSize)), proof });
      }
    }
  });

  it('refuses a fork, another size, and a proof with a hash more, less or changed', async () => {
    for (const oldSize of [32, 37]) {
      const proof = await log.reader.consistencyProof(BigInt(oldSize), 70n);
      const claim = { oldSize: BigInt(oldSize), newSize: 70n, oldRootHash: rootOf(oldSize), newRootHash: rootOf(70), proof };
      verifyConsistency(claim);
      const forged = [
        { ...claim, oldRootHash: rootOf(31) },
        { ...claim, newRootHash: rootOf(69) },
        { ...claim, oldRootHash: claim.newRootHash, newRootHash: claim.oldRootHash },
        { ...claim, oldSize: claim.oldSize + 1n },
        { ...claim, newSize: 140n },
        { ...claim, proof: [...proof, emptyRootHash()] },
        { ...claim, proof: [emptyRootHash(), ...proof] },
        { ...claim, proof: proof.slice(1) },
        { ...claim, proof: proof.slice(0, -1) },
        { ...claim, proof: [] },
        { ...claim, proof: proof.map((hash) => hash.map((byte) => byte ^ 0x80)) },
        { ...claim, oldRootHash: new Uint8Array() },
      ];
      for (const each of forged) expect(() => verifyConsistency(each)).toThrow(code('consistency-invalid'));
    }
  });

  it('refuses the empty old tree, which proves nothing, and a shrinking one', () => {
    const claim = { oldSize: 0n, newSize: 1n, oldRootHash: emptyRootHash(), newRootHash: rootOf(1), proof: [] };
    expect(() => verifyConsistency(claim)).toThrow(code('merkle-range'));
    expect(() => verifyConsistency({ ...claim, newSize: 0n })).toThrow(code('merkle-range'));
    expect(() => verifyConsistency({ ...claim, oldSize: 2n })).toThrow(code('merkle-range'));
  });
});

describe('verifyGrowth', () => {
  const claim = { oldSize: 0n, newSize: 3n, oldRootHash: emptyRootHash(), newRootHash: rootOf(3), proof: [] };

  it('accepts the first checkpoint that a witness sees, without a proof', () => {
    verifyGrowth(claim);
    verifyGrowth({ ...claim, newSize: 0n, newRootHash: emptyRootHash() });
  });

  it('refuses a proof from the empty tree, and an empty tree with another root', () => {
    expect(() => verifyGrowth({ ...claim, proof: [rootOf(1)] })).toThrow(code('consistency-invalid'));
    expect(() => verifyGrowth({ ...claim, newSize: 0n })).toThrow(code('consistency-invalid'));
  });

  it('is verifyConsistency for any other size', () => {
    expect(() => verifyGrowth({ ...claim, oldSize: 2n, oldRootHash: rootOf(2) })).toThrow(code('consistency-invalid'));
  });
});
