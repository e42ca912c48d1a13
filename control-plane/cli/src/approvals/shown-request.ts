import { canonicalJson } from '@strongroom/attestation-encoding';
import { httpApi, requestDigest, shortDigest, type AccessRequest } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';
import type { ApiClient } from '../http/api-client.js';
import { fields, table } from '../terminal/table.js';
import { shown } from '../terminal/text.js';

export type RequestView = ReturnType<typeof httpApi.requestView.parse>;

/** A request whose digest was computed here. */
export interface ShownRequest {
  readonly view: RequestView;
  readonly request: AccessRequest;
  readonly digest: string;
}

/** @throws CliError `request-mismatch` when the server shows another request, or one whose digest is another */
export async function fetchRequest(api: ApiClient, id: string): Promise<ShownRequest> {
  return shownRequest(await api.get(`/v1/requests/${id}`, httpApi.requestView), id);
}

export function shownRequest(view: RequestView, id: string): ShownRequest {
  const digest = requestDigest(view.request);
  if (view.request.id !== id) throw new CliError('request-mismatch', 'the server shows another request than the one asked for');
  if (view.digest !== digest || view.short_digest !== shortDigest(digest)) throw new CliError('request-mismatch', 'the digest the server shows is not of the request it shows');
  return { view, request: view.request, digest };
}

export function requestText({ view, request, digest }: ShownRequest): string {
  const missing = view.missing.map(({ factor, count }) => `${count} ${factor}`).join(', ');
  const summary = fields([
    ['request', request.id],
    ['state', view.state],
    ['action', `${request.action} of asset ${request.asset}`],
    ['shards', request.shards.join(', ')],
    ['node', request.node],
    ['enclave', request.enclave],
    ['purpose', `${request.purpose} (${request.ticket})`],
    ['window', `${request.not_before} to ${request.not_after}`],
    ['approve by', request.approve_by],
    ['uses', `${view.uses} of ${request.max_uses}`],
    ['requested by', request.requested_by],
    ['missing', missing === '' ? 'nothing' : missing],
    ['digest', digest],
    ['short digest', shortDigest(digest)],
  ]);
  const signed = view.approvals.length === 0 ? 'Nobody has signed yet.' : table(['PERSON', 'DECISION', 'FACTOR'], view.approvals.map(({ statement }) => [statement.approver, statement.decision, statement.factor]));
  return `${summary}\n\n${signed}\n\nThe request, exactly as it is digested:\n${shown(canonicalJson(request))}`;
}
