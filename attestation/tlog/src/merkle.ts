import { sha256 } from '@strongroom/attestation-encoding';
import { MAX_UINT64 } from './decimal.js';
import { TlogError } from './errors.js';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root of the tree without entries: SHA-256 of nothing. */
export function emptyRootHash(): Uint8Array {
  return sha256();
}

/** SHA-256(0x00 ‖ entry). @see RFC 6962 section 2.1 */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(LEAF, entry);
}

/** SHA-256(0x01 ‖ left ‖ right). @see RFC 6962 section 2.1 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

export function equalHashes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

export interface InclusionClaim {
  readonly index: bigint;
  readonly size: bigint;
  readonly leafHash: Uint8Array;
  /** From the leaf's sibling up to the root's child, 32 bytes each. */
  readonly proof: readonly Uint8Array[];
  readonly rootHash: Uint8Array;
}

/**
 * Verifies that the leaf stands at `index` in the tree of `size` leaves under `rootHash`.
 * Does not say that anybody signed that root: that is `verifyCheckpoint`.
 *
 * @throws TlogError `merkle-range` | `inclusion-invalid`
 * @see RFC 9162 section 2.1.3.2 (the same tree as RFC 6962)
 */
export function verifyInclusion(claim: InclusionClaim): void {
  const { index, size, proof } = claim;
  requireSizes(index, size);
  if (index >= size) throw new TlogError('merkle-range', 'index is not below the tree size');
  requireHashes('inclusion-invalid', [claim.leafHash, claim.rootHash, ...proof]);

  let position = index;
  let last = size - 1n;
  let root = claim.leafHash;
  for (const sibling of proof) {
    if (last === 0n) throw new TlogError('inclusion-invalid', 'inclusion proof is too long');
    if (isOdd(position) || position === last) {
      root = nodeHash(sibling, root);
      while (!isOdd(position) && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      root = nodeHash(root, sibling);
    }
    position >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new TlogError('inclusion-invalid', 'inclusion proof is too short');
  if (!equalHashes(root, claim.rootHash)) throw new TlogError('inclusion-invalid', 'inclusion proof leads to another root');
}

export interface ConsistencyClaim {
  readonly oldSize: bigint;
  readonly newSize: bigint;
  readonly oldRootHash: Uint8Array;
  readonly newRootHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Verifies that the tree of `newSize` begins with the tree of `oldSize`.
 * An old size of 0 is refused, since consistency with nothing proves nothing; a witness that has seen nothing yet wants
 * `verifyGrowth`.
 *
 * @throws TlogError `merkle-range` | `consistency-invalid`
 * @see RFC 9162 section 2.1.4.2
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  const { oldSize, newSize, proof } = claim;
  requireSizes(oldSize, newSize);
  if (oldSize === 0n) throw new TlogError('merkle-range', 'consistency with the empty tree proves nothing');
  if (oldSize > newSize) throw new TlogError('merkle-range', 'the older tree is the larger one');
  requireHashes('consistency-invalid', [claim.oldRootHash, claim.newRootHash, ...proof]);
  if (oldSize === newSize) return verifySameTree(claim);
  if (proof.length === 0) throw new TlogError('consistency-invalid', 'consistency proof is empty');

  const [oldRoot, newRoot] = rootsOf(claim);
  if (!equalHashes(oldRoot, claim.oldRootHash)) throw new TlogError('consistency-invalid', 'proof leads to another old root');
  if (!equalHashes(newRoot, claim.newRootHash)) throw new TlogError('consistency-invalid', 'proof leads to another new root');
}

/**
 * What a witness must hold true before it cosigns: as `verifyConsistency`, but growth from the empty tree is allowed, with an
 * empty proof, and an empty new tree must have the root of the empty tree.
 *
 * @throws TlogError `merkle-range` | `consistency-invalid`
 * @see c2sp.org/tlog-witness
 */
export function verifyGrowth(claim: ConsistencyClaim): void {
  if (claim.oldSize !== 0n) return verifyConsistency(claim);
  requireSizes(claim.oldSize, claim.newSize);
  if (claim.proof.length !== 0) throw new TlogError('consistency-invalid', 'a proof from the empty tree must be empty');
  requireHashes('consistency-invalid', [claim.newRootHash]);
  if (claim.newSize === 0n && !equalHashes(claim.newRootHash, emptyRootHash())) {
    throw new TlogError('consistency-invalid', 'the empty tree has another root');
  }
}

function rootsOf(claim: ConsistencyClaim): [Uint8Array, Uint8Array] {
  // A perfect old tree is itself the first node of the path, and the proof leaves it out.
  const isPerfect = (claim.oldSize & (claim.oldSize - 1n)) === 0n;
  const [first, ...path] = isPerfect ? [claim.oldRootHash, ...claim.proof] : claim.proof;
  if (first === undefined) throw new TlogError('consistency-invalid', 'consistency proof is too short');
  let position = claim.oldSize - 1n;
  let last = claim.newSize - 1n;
  while (isOdd(position)) {
    position >>= 1n;
    last >>= 1n;
  }
  let oldRoot = first;
  let newRoot = first;
  for (const node of path) {
    if (last === 0n) throw new TlogError('consistency-invalid', 'consistency proof is too long');
    if (isOdd(position) || position === last) {
      oldRoot = nodeHash(node, oldRoot);
      newRoot = nodeHash(node, newRoot);
      while (!isOdd(position) && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      newRoot = nodeHash(newRoot, node);
    }
    position >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new TlogError('consistency-invalid', 'consistency proof is too short');
  return [oldRoot, newRoot];
}

function verifySameTree(claim: ConsistencyClaim): void {
  if (claim.proof.length !== 0) throw new TlogError('consistency-invalid', 'trees of one size need no proof');
  if (!equalHashes(claim.oldRootHash, claim.newRootHash)) {
    throw new TlogError('consistency-invalid', 'trees of one size have different roots');
  }
}

function requireSizes(...sizes: readonly bigint[]): void {
  for (const size of sizes) {
    if (typeof size !== 'bigint' || size < 0n || size > MAX_UINT64) throw new TlogError('merkle-range', 'not an unsigned 64-bit number');
  }
}

function requireHashes(code: 'inclusion-invalid' | 'consistency-invalid', hashes: readonly Uint8Array[]): void {
  for (const each of hashes) {
    if (!(each instanceof Uint8Array) || each.length !== 32) throw new TlogError(code, 'a hash is not 32 bytes');
  }
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}
