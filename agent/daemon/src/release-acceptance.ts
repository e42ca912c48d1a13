import { toBase64url } from '@strongroom/attestation-encoding';
import {
  ContractError,
  openFrom,
  opensCommitment,
  releaseAnswerSchema,
  releaseInfo,
  verifyLease,
  verifyRelease,
  type Anchors,
  type Lease,
  type ReleaseAnswer,
  type ReleasePolicy,
  type Signed,
  type TransportPrivateKey,
  type VerifiedRelease,
} from '@strongroom/control-plane-contract';
import { AgentError } from './errors.js';

/** What this node did itself and will see again in a release, or refuse it. */
export interface OwnSide {
  readonly node: string;
  readonly releaseId: string;
  readonly requestId: string;
  readonly akName: string;
  readonly mtlsKeyDigest: string;
  readonly transportKeyDigest: string;
  readonly evidenceDigest: string;
  readonly leaseNonce: Uint8Array;
}

export interface AcceptanceContext {
  readonly anchors: Anchors;
  readonly policy: ReleasePolicy;
  readonly now: Date;
  readonly maxAgeSeconds: number;
}

export interface AcceptedRelease {
  readonly release: VerifiedRelease;
  readonly lease: Signed<Lease>;
}

/**
 * The node's own judgement of a release (law 3): everything signed, the quorum of people, the log, the policy once more, and that
 * all of it is about this node, this AK, this transport key, this evidence. No key is opened before it passes.
 * @throws AgentError `release-refused`, its reason the code of the check that failed
 */
export function acceptRelease(answer: unknown, mine: OwnSide, context: AcceptanceContext): AcceptedRelease {
  const parsed = releaseAnswerSchema.safeParse(answer);
  if (!parsed.success) throw refused('statement-malformed', 'the release answer is malformed', parsed.error);
  const { material, lease } = parsed.data;
  try {
    const release = verifyRelease(material, context);
    assertMine(release, mine);
    assertShards(parsed.data, release);
    return { release, lease: leaseOf(lease, release, mine, context) };
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    if (cause instanceof ContractError) throw refused(cause.code, cause.message, cause);
    throw refused('release-entry-mismatch', 'the release cannot be verified', cause);
  }
}

function assertMine({ statement, binding, request }: VerifiedRelease, mine: OwnSide): void {
  const pairs: readonly [string, string][] = [
    [statement.release_id, mine.releaseId],
    [request.id, mine.requestId],
    [statement.node, mine.node],
    [statement.ak_name, mine.akName],
    [statement.mtls_key_digest, mine.mtlsKeyDigest],
    [statement.transport_key_digest, mine.transportKeyDigest],
    [statement.evidence_digest, mine.evidenceDigest],
    [binding.value.node, mine.node],
  ];
  if (pairs.some(([given, own]) => given !== own)) throw refused('release-not-ours', 'the release is for another node, key or piece of evidence');
}

function assertShards({ keys }: ReleaseAnswer, { request }: VerifiedRelease): void {
  const given = keys.map(({ shard }) => shard).sort((a, b) => a - b);
  if (given.length !== request.shards.length || given.some((shard, i) => shard !== request.shards[i])) {
    throw refused('release-shards', 'the keys are not those of the requested shards');
  }
}

function leaseOf(envelope: unknown, { statement }: VerifiedRelease, mine: OwnSide, { anchors, now }: AcceptanceContext): Signed<Lease> {
  const lease = verifyLease(envelope, anchors, {
    releaseId: statement.release_id,
    requestDigest: statement.request_digest,
    node: mine.node,
    akName: mine.akName,
    nonce: toBase64url(mine.leaseNonce),
    minimumSequence: 0,
    now,
  });
  if (lease.value.seconds > statement.lease.seconds || Date.parse(lease.value.not_after) > Date.parse(statement.lease.not_after)) {
    throw refused('lease-mismatch', 'the lease is longer than the logged release allows');
  }
  return lease;
}

/**
 * Opens the shard keys of an accepted release. Each must open the commitment in the signed manifest.
 * On any failure every key opened so far is zeroed.
 * @returns keys by shard; the caller zeroes them.
 * @throws AgentError `release-refused` | `key-commitment`
 */
export async function openKeys(answer: ReleaseAnswer, { release }: AcceptedRelease, transportKey: TransportPrivateKey): Promise<Map<number, Uint8Array>> {
  const opened = new Map<number, Uint8Array>();
  const { seal_id: sealId, shards } = release.manifest.value;
  try {
    for (const { shard, sealed } of answer.keys) {
      const key = await openFrom(transportKey, sealed, releaseInfo(release.statement, shard), release.entry.leafHash);
      opened.set(shard, key);
      const commitment = shards[shard]?.key_commitment;
      if (commitment === undefined || !opensCommitment(key, sealId, shard, commitment)) {
        throw new AgentError('key-commitment', `the key of shard ${shard} is not the one the manifest commits to`);
      }
    }
    return opened;
  } catch (error) {
    for (const key of opened.values()) key.fill(0);
    if (error instanceof ContractError) throw refused(error.code, error.message, error);
    throw error;
  }
}

function refused(reason: string, message: string, cause?: unknown): AgentError {
  return new AgentError('release-refused', message, { cause, reason });
}
