import { toBase64url } from '@strongroom/attestation-encoding';
import {
  httpApi,
  verifyManifest,
  verifyPolicyEnvelope,
  verifyRoster,
  weightsDigests,
  type Anchors,
  type ApprovalStatement,
  type Factor,
  type Roster,
} from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';
import type { ApiClient } from '../http/api-client.js';
import { fetchRequest, type ShownRequest } from './shown-request.js';

export interface Vote {
  readonly decision: 'approve' | 'deny';
  /** Absent: the only factor the person may fill. */
  readonly factor: string | undefined;
  readonly person: string;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
}

export interface PreparedStatement extends ShownRequest {
  readonly statement: ApprovalStatement;
  readonly roster: Roster;
}

/**
 * Works out what is to be signed, from the request shown and from signed documents alone: the digests of request and weights are computed
 * here, the policy is the one its signers put in force, and the nonce is ours, so that no server can have prepared the statement.
 *
 * @throws CliError `request-mismatch` | `usage`; ContractError `statement-*` | `manifest-*`
 */
export async function prepareStatement(api: ApiClient, id: string, anchors: Anchors, vote: Vote): Promise<PreparedStatement> {
  const shownRequest = await fetchRequest(api, id);
  const { request, digest, view } = shownRequest;
  const documents = await api.get('/v1/documents', httpApi.documentBundle);
  const roster = verifyRoster(documents.roster, anchors, vote.now).value;
  const policy = verifyPolicyEnvelope(documents.policy, anchors, vote.now).value;
  const weights = await weightsOf(api, shownRequest, anchors, vote.now);
  if (request.tenant !== anchors.tenant) throw new CliError('request-mismatch', 'the request is of another tenant');
  if (view.policy_digest !== policy.policy_digest) {
    throw new CliError('request-mismatch', 'the request was made under another policy than the one in force', { remedy: 'have it asked for again' });
  }
  if (view.weights_digest.join() !== weights.join()) throw new CliError('request-mismatch', 'the weights the server shows are not those of the signed manifest');
  if (request.requested_by === vote.person && vote.decision === 'approve') throw new CliError('request-mismatch', 'nobody approves their own request');
  const statement: ApprovalStatement = {
    type: 'strongroom/approval/v1',
    v: 1,
    tenant: request.tenant,
    request_id: request.id,
    request_digest: digest,
    decision: vote.decision,
    factor: factorOf(roster, vote),
    policy_digest: policy.policy_digest,
    weights_digest: weights,
    purpose: request.purpose,
    enclave: request.enclave,
    not_before: request.not_before,
    not_after: request.not_after,
    max_uses: request.max_uses,
    nonce: toBase64url(vote.random(32)),
    approver: vote.person,
  };
  return { ...shownRequest, statement, roster };
}

/** Plaintext digests from the manifest that both roles signed, and that the request names. */
async function weightsOf(api: ApiClient, { request }: ShownRequest, anchors: Anchors, now: Date): Promise<string[]> {
  const { manifest: envelope } = await api.get(`/v1/assets/${request.asset}`, httpApi.assetDetail);
  const manifest = verifyManifest(envelope, anchors, now);
  if (manifest.digest !== request.manifest_digest || manifest.value.asset.id !== request.asset) throw new CliError('request-mismatch', 'the request names another manifest than the one signed');
  if (request.shards.some((index) => manifest.value.shards[index] === undefined)) throw new CliError('request-mismatch', 'the request names a shard the manifest does not have');
  return weightsDigests(manifest.value, request.shards);
}

function factorOf(roster: Roster, { person, factor }: Vote): Factor {
  const factors = roster.people.find(({ id }) => id === person)?.factors ?? [];
  const chosen = factor === undefined ? (factors.length === 1 ? factors[0] : undefined) : factors.find((candidate) => candidate === factor);
  if (chosen !== undefined) return chosen;
  const may = factors.length === 0 ? 'none' : factors.join(', ');
  throw new CliError('usage', factor === undefined ? `say which factor you fill with --factor; you may fill: ${may}` : `the roster does not let you fill this factor; you may fill: ${may}`);
}
