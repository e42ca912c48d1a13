import { canonicalDigest } from '@strongroom/attestation-encoding';
import { accessRequestSchema, ContractError, requestDigest, verifyApproval, verifyRoster, type AccessRequest, type VerifiedApproval } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { readJson } from '../files.js';
import { stateFolder } from '../state-folder.js';
import { table } from '../terminal/table.js';
import { resolveTrust, type TrustOptions } from '../trust/trust.js';
import { parseInstant } from './instant.js';
import type { CommonOptions } from './options.js';

export type VerifyApprovalOptions = CommonOptions & TrustOptions & { readonly roster: string; readonly at?: string };

/**
 * Verifies stored approvals offline: one `{statement, assertion}`, a list of them, or a request as an export keeps it, whose digest they must
 * then name. Says nothing of the quorum: `audit verify --documents` does.
 */
export async function verifyApprovalCommand(cli: Cli, path: string, options: VerifyApprovalOptions): Promise<void> {
  const now = options.at === undefined ? cli.io.now() : parseInstant(options.at, '--at');
  const anchors = (await resolveTrust(options, {}, stateFolder(cli.io.env), now)).anchors.value;
  const roster = verifyRoster(await readJson(options.roster), anchors, now).value;
  const { approvals, request } = read(await readJson(path));
  const verified = approvals.map((approval) => verifyApproval(approval, { tenant: anchors.tenant, roster, rpId: anchors.approval.rp_id, origins: anchors.approval.origins }));
  if (request !== undefined) for (const approval of verified) requireSameRequest(approval, request);
  const about = { ok: true, approvals: verified.map(describe) };
  cli.print(options, about, () => `VERIFIED: ${verified.length === 1 ? 'this person signed' : `${verified.length} people's signatures`}\n${table(['PERSON', 'DECISION', 'FACTOR', 'REQUEST', 'STATEMENT'], about.approvals.map((one) => [one.approver, one.decision, one.factor, one.request_id, one.statement_digest]))}`);
}

function read(value: unknown): { approvals: readonly unknown[]; request?: AccessRequest } {
  if (Array.isArray(value)) return { approvals: some(value) };
  const { approvals, request } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (approvals === undefined) return { approvals: [value] };
  const parsed = accessRequestSchema.safeParse(request);
  if (!parsed.success || !Array.isArray(approvals)) throw new CliError('file-malformed', 'this is neither an approval nor a request with its approvals');
  return { approvals: some(approvals), request: parsed.data };
}

/** No approval is not a verified one. */
function some(approvals: readonly unknown[]): readonly unknown[] {
  if (approvals.length === 0 || approvals.length > 64) throw new CliError('file-malformed', 'there is no approval in this file, or more than a request can have');
  return approvals;
}

function requireSameRequest({ statement }: VerifiedApproval, request: AccessRequest): void {
  const same = statement.request_id === request.id && statement.request_digest === requestDigest(request);
  if (!same) throw new ContractError('approval-other-request', 'an approval is for another request, or the request changed after it');
}

function describe({ approver, credential, aaguid, statement }: VerifiedApproval) {
  const { request_id, request_digest, decision, factor } = statement;
  return { approver, decision, factor, request_id, request_digest, statement_digest: canonicalDigest(statement), credential, aaguid };
}
