import {
  accessRequestSchema,
  approvalSchema,
  assertApprovalFits,
  ContractError,
  releaseBytes,
  requestDigest,
  verifyApproval,
  verifyManifest,
  verifyRoster,
  weightsDigests,
  type AccessRequest,
  type Anchors,
  type Manifest,
  type Roster,
  type Signed,
  type VerifiedApproval,
} from '@strongroom/control-plane-contract';
import { EXPORT, type ExportFolder } from './export-folder.js';
import type { Findings } from './finding.js';
import type { LoggedRelease } from './release-audit.js';

/**
 * Verifies the people behind each release again, from raw material: the signed roster and manifest as they stood, the request, and each
 * approval's WebAuthn signature. Documents are judged at the instant of the logged decision.
 */
export class DocumentAudit {
  approvals = 0;

  constructor(
    private readonly folder: ExportFolder,
    private readonly anchors: Anchors,
    private readonly findings: Findings,
  ) {}

  async accept(release: LoggedRelease): Promise<void> {
    try {
      await this.#verify(release);
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      this.findings.add(error.code, error.message, release.index);
    }
  }

  async #verify({ index, statement }: LoggedRelease): Promise<void> {
    const roster = await this.#document(EXPORT.document('roster', statement.roster_digest), index);
    const manifest = await this.#document(EXPORT.document('manifest', statement.manifest_digest), index);
    const view = await this.#document(EXPORT.request(statement.request_id), index);
    if (roster === undefined || manifest === undefined || view === undefined) return;
    const decidedAt = instantOf(statement.input);
    const signed = {
      roster: this.#named(verifyRoster(roster, this.anchors, decidedAt), statement.roster_digest, index),
      manifest: this.#named(verifyManifest(manifest, this.anchors, decidedAt), statement.manifest_digest, index),
    };
    const { request, raw } = parseRequest(view);
    if (requestDigest(request) !== statement.request_digest || request.id !== statement.request_id) {
      return this.findings.add('document-mismatch', 'the request is not the one released for', index);
    }
    this.#assertSameAsRequest({ index, statement }, request, signed.manifest.value);
    this.#assertApprovals({ index, statement }, request, raw, signed);
  }

  #assertSameAsRequest({ index, statement }: LoggedRelease, request: AccessRequest, manifest: Manifest): void {
    const same =
      request.asset === statement.asset &&
      request.node === statement.node &&
      request.manifest_digest === statement.manifest_digest &&
      request.not_after === statement.lease.not_after &&
      request.shards.join() === statement.shards.join() &&
      releaseBytes(manifest, request.shards) === statement.bytes;
    if (!same) this.findings.add('document-mismatch', 'the release differs from what was requested', index);
  }

  #assertApprovals(
    { index, statement }: LoggedRelease,
    request: AccessRequest,
    raw: readonly unknown[],
    { roster, manifest }: { readonly roster: Signed<Roster>; readonly manifest: Signed<Manifest> },
  ): void {
    const { tenant, approval: site } = this.anchors;
    const weights = weightsDigests(manifest.value, request.shards);
    const verified = raw.map((approval): VerifiedApproval => {
      const one = verifyApproval(approval, { tenant, roster: roster.value, rpId: site.rp_id, origins: site.origins });
      assertApprovalFits(one, request, statement.request_digest, statement.policy_digest, weights);
      return one;
    });
    for (const named of statement.approvals) {
      const found = verified.find((one) => one.statementDigest === named.statement_digest && one.approver === named.approver && one.statement.factor === named.factor && one.statement.decision === 'approve');
      if (found === undefined) this.findings.add('document-mismatch', `the approval ${named.statement_digest} is not among the request's`, index);
      else this.approvals += 1;
    }
  }

  #named<T>(signed: Signed<T>, digest: string, index: bigint): Signed<T> {
    if (signed.digest !== digest) this.findings.add('document-mismatch', 'a document is not the one the release names', index);
    return signed;
  }

  async #document(name: string, index: bigint): Promise<unknown> {
    const value = await this.folder.document(name);
    if (value === undefined) this.findings.add('document-missing', `the export has no ${name}`, index);
    return value;
  }
}

function parseRequest(view: unknown): { request: AccessRequest; raw: readonly unknown[] } {
  const { request, approvals } = (typeof view === 'object' && view !== null ? view : {}) as Record<string, unknown>;
  const parsed = accessRequestSchema.safeParse(request);
  if (!parsed.success || !Array.isArray(approvals) || approvals.length > 64) throw new ContractError('statement-malformed', 'the request is malformed');
  // A denial after the release revokes it; it is no approval of it.
  const raw = approvals.filter((approval) => {
    const shape = approvalSchema.safeParse(approval);
    return !shape.success || shape.data.statement.decision === 'approve';
  });
  return { request: parsed.data, raw };
}

function instantOf(input: Readonly<Record<string, unknown>>): Date {
  const { now } = input;
  if (typeof now !== 'number' || !Number.isSafeInteger(now) || now < 0 || now > 8.64e12) throw new ContractError('release-input-mismatch', 'the policy input has no instant');
  return new Date(now * 1000);
}
