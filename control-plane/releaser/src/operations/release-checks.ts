import { timingSafeEqual } from 'node:crypto';
import { canonicalDigest, fromBase64url } from '@strongroom/attestation-encoding';
import { ContractError, loggedFacts, transportKeyDigest, verifyRelease, type ReleaserOperations, type VerifiedRelease } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { currentBinding, type CurrentBinding } from '../database/bindings.js';
import { checkpointMark, documentMarks, raiseMarks } from '../database/high-water.js';
import { requireNonce, type NonceClaim } from '../database/nonces.js';
import { findRelease, identityOf, requireSameRelease } from '../database/releases.js';
import { requireUnrevoked, type Revocable } from '../database/revocations.js';
import { ReleaserError } from '../errors.js';
import { affirmEvidence, type AffirmedEvidence } from './evidence.js';

type Request = ReleaserOperations['release']['request'];

/** A release with every proof verified except the ones that only a lock can settle: uses, budget, and that all still holds. */
export interface CheckedRelease {
  readonly material: VerifiedRelease;
  readonly binding: CurrentBinding;
  readonly evidence: AffirmedEvidence;
  readonly nonce: Omit<NonceClaim, 'now'>;
  readonly revocable: Revocable;
}

/**
 * Verifies a release request, cheapest and most final first: revocations; the nonce; the binding in force; everything signed, logged
 * and approved; that the parts speak of one release, one transport key, one evidence; that keys are there for exactly the shards;
 * that nothing is older than what was seen before; and the evidence itself.
 * @throws ReleaserError, ContractError
 */
export async function verifyReleaseRequest(context: ReleaserContext, request: Request): Promise<CheckedRelease> {
  const { anchors, database, engine } = context;
  const now = context.now();
  const named = request.material.request;
  // By what the request says of itself: signatures come next, and a lie here can only refuse.
  const revocable: Revocable = { request: named.id, release: request.release_id, node: named.node, asset: named.asset };
  await requireUnrevoked(database, revocable);
  const nonce = { nonce: fromBase64url(request.nonce, 32), node: named.node, purpose: 'release' as const, usedFor: request.release_id };
  await requireNonce(database, { ...nonce, now });
  const binding = await currentBinding(database, named.node, now);
  const material = verifyRelease(request.material, { anchors: anchors.value, policy: engine, now, maxAgeSeconds: context.maxDecisionAgeSeconds });
  if (material.binding.digest !== binding.digest) throw new ReleaserError('node-not-bound', 'the binding given is not the one in force');
  const known = await findRelease(database, request.release_id);
  if (known !== undefined) requireSameRelease(known, identityOf(material), now);
  requireOneRelease(request, material);
  requireWrappedKeys(request, material, anchors.value.key_service);
  await raiseMarks(database, documentMarks(material));
  // A release known already was proven under a checkpoint that was the newest then.
  if (known === undefined) await raiseMarks(database, [checkpointMark(material)]);
  const evidence = affirmEvidence(request.evidence, {
    anchors: anchors.value,
    engine,
    enclave: material.enclave.value,
    environments: material.manifest.value.environments,
    hardware: binding.hardware,
    binding: {
      tenant: anchors.value.tenant,
      node: binding.node,
      akName: binding.akName,
      purpose: 'release',
      nonce: nonce.nonce,
      transportKeyDigest: material.statement.transport_key_digest,
      mtlsKeyDigest: binding.mtlsKeyDigest,
    },
    expectedResetCount: binding.resetCount,
    now,
  });
  requireLoggedAppraisal(material, evidence);
  return { material, binding, evidence, nonce, revocable };
}

function requireOneRelease(request: Request, { statement }: VerifiedRelease): void {
  if (statement.release_id !== request.release_id) throw new ContractError('release-entry-mismatch', 'the log entry is of another release');
  if (!sameText(transportKeyDigest(request.transport_key), statement.transport_key_digest)) {
    throw new ReleaserError('evidence-transport-key', 'the transport key is not the one that was logged and attested');
  }
  if (!sameText(canonicalDigest(request.evidence), statement.evidence_digest)) {
    throw new ReleaserError('evidence-rejected', 'the evidence is not the one that was logged');
  }
}

function requireWrappedKeys(request: Request, { statement, manifest }: VerifiedRelease, keyService: readonly { readonly enclave: string; readonly kek: string }[]): void {
  const given = request.wrapped_keys.map(({ shard }) => shard).sort((a, b) => a - b);
  const exact = given.length === statement.shards.length && given.every((shard, position) => shard === statement.shards[position]);
  if (!exact) throw new ReleaserError('release-wrapped-keys', 'wrapped keys must be given for exactly the shards released');
  const { enclave, kek } = manifest.value.key_service;
  if (!keyService.some((key) => key.enclave === enclave && key.kek === kek)) throw new ReleaserError('release-wrapped-keys', 'the manifest names a key the anchors do not');
}

/** What the log says of the evidence must be what we found, or the log would tell auditors something that was not so. */
function requireLoggedAppraisal({ statement, manifestEntry }: VerifiedRelease, { result, hardware }: AffirmedEvidence): void {
  const { attestation } = loggedFacts(statement, Number(manifestEntry.index));
  if (attestation.kind !== result.kind || attestation.hardware !== hardware || attestation.environment !== result.environment || attestation.status !== result.status) {
    throw new ContractError('release-input-mismatch', 'the log says something else of the evidence than it shows');
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
