import { parseCheckpoint, parseNote, TileReader, TlogError, verifyCheckpoint, verifyGrowth, verifyLogFolder, type VerifiedCheckpoint } from '@strongroom/attestation-tlog';
import { ContractError, logTrust } from '@strongroom/control-plane-contract';
import type { Trust } from '../trust/trust.js';
import { DocumentAudit } from './document-audit.js';
import type { ExportFolder } from './export-folder.js';
import { Findings, type Finding } from './finding.js';
import { LogAudit } from './log-audit.js';

export interface AuditOptions {
  /** A checkpoint seen earlier: this log must be its continuation. */
  readonly previous?: Uint8Array;
  /** The log must have an entry logged at this instant or later. */
  readonly until?: Date;
  /** Also verify the people behind each release; the export must then hold their documents. */
  readonly documents: boolean;
  readonly now: Date;
}

/** What is proven of an export, and what is not. */
export interface AuditReport {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly finding_count: number;
  readonly summary: AuditSummary;
}

export interface AuditSummary {
  readonly origin: string;
  readonly profile: string;
  readonly tenant: string;
  readonly genesis_digest: string;
  readonly anchors_digest: string;
  readonly size: string;
  readonly root_hash: string;
  readonly witnesses: { readonly required: number; readonly cosigned: number };
  readonly files_verified: number;
  readonly chains: number;
  readonly heartbeats: number;
  readonly manifests: number;
  readonly releases: number;
  /** With documents only. */
  readonly approvals_verified: number | null;
  readonly last_logged_at: string | null;
  /** Evaluating policy needs the bundle and its engine; the node and the releaser did it, this command does not. */
  readonly policy_redecided: false;
}

type PinnedTrust = Trust & { readonly genesis: NonNullable<Trust['genesis']> };

/**
 * Verifies a whole log offline: signature and witnesses of the checkpoint, every tile and entry, the genesis, every chain, every heartbeat's
 * commitment, and that each release stands after its manifest, roster and enclave with the quorum its manifest asks for. Believes `trust` alone.
 *
 * A log that is merely old cannot be told from a whole one by itself: give `previous` or `until`.
 */
export async function verifyExport(folder: ExportFolder, trust: PinnedTrust, options: AuditOptions): Promise<AuditReport> {
  const findings = new Findings();
  const audit = new LogAudit(trust, findings);
  const proven = await proveLog(folder, trust, audit, options.now).catch((error: unknown) => {
    if (!(error instanceof TlogError || error instanceof ContractError)) throw error;
    return error;
  });
  if (proven instanceof Error) return report(trust, audit, failure(proven), undefined);
  const { checkpoint } = proven;
  if (checkpoint.size === 0n) findings.add('log-empty', 'the log has no entries: not even its genesis');
  if (options.previous !== undefined) await assertContinues(folder, checkpoint, options.previous, trust, findings);
  assertReaches(options.until, audit.lastLoggedTime, findings);
  const documents = options.documents ? new DocumentAudit(folder, trust.anchors.value, findings) : undefined;
  for (const release of documents === undefined ? [] : audit.releases.releases) await documents?.accept(release);
  return report(trust, audit, findings, { ...proven, approvals: documents?.approvals ?? null });
}

interface ProvenLog {
  readonly checkpoint: VerifiedCheckpoint;
  readonly filesVerified: number;
}

async function proveLog(folder: ExportFolder, { anchors }: PinnedTrust, audit: LogAudit, now: Date): Promise<ProvenLog> {
  const { maxCosignatureAgeSeconds: _, ...trust } = logTrust(anchors.value);
  // How old a cosignature is says nothing about history; that witnesses saw this very tree does.
  const checkpoint = verifyCheckpoint(await folder.checkpoint(), { ...trust, now });
  const { filesVerified } = await verifyLogFolder(folder.fetchFile, checkpoint, { onEntry: ({ index, bytes }) => { audit.accept(index, bytes); } });
  return { checkpoint, filesVerified };
}

/** What entries seemed to say before the log was found bad is dropped: it may be anybody's. */
function failure(error: TlogError | ContractError): Findings {
  const findings = new Findings();
  findings.add(error.code, error.message);
  return findings;
}

/** The tiles are verified by now; a consistency proof made from them shows whether the log begins with what was seen earlier. */
async function assertContinues(folder: ExportFolder, checkpoint: VerifiedCheckpoint, note: Uint8Array, { anchors }: PinnedTrust, findings: Findings): Promise<void> {
  try {
    const { origin, log } = logTrust(anchors.value);
    const previous = verifyCheckpoint(note, { origin, log });
    if (previous.size > checkpoint.size) return findings.add('log-rolled-back', `the earlier checkpoint has ${previous.size} entries, this log ${checkpoint.size}`);
    const proof = await new TileReader(folder.fetchFile).consistencyProof(previous.size, checkpoint.size);
    verifyGrowth({ oldSize: previous.size, newSize: checkpoint.size, oldRootHash: previous.rootHash, newRootHash: checkpoint.rootHash, proof });
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    const forked = error.code === 'consistency-invalid';
    findings.add(forked ? 'log-fork' : error.code, forked ? 'this log is another than the one seen earlier' : `the earlier checkpoint: ${error.message}`);
  }
}

function assertReaches(until: Date | undefined, lastLoggedTime: number | undefined, findings: Findings): void {
  if (until === undefined || (lastLoggedTime ?? -Infinity) >= until.getTime()) return;
  const end = lastLoggedTime === undefined ? 'before any entry' : `at ${new Date(lastLoggedTime).toISOString()}`;
  findings.add('log-too-short', `the log ends ${end}, before ${until.toISOString()}`);
}

function report(trust: PinnedTrust, audit: LogAudit, findings: Findings, proven: (ProvenLog & { readonly approvals: number | null }) | undefined): AuditReport {
  const { anchors, genesis } = trust;
  const summary: AuditSummary = {
    origin: anchors.value.log.origin,
    profile: anchors.value.profile,
    tenant: anchors.value.tenant,
    genesis_digest: genesis.digest,
    anchors_digest: anchors.digest,
    size: String(proven?.checkpoint.size ?? 0n),
    root_hash: proven === undefined ? '' : `sha256:${Buffer.from(proven.checkpoint.rootHash).toString('hex')}`,
    witnesses: { required: anchors.value.witnesses.quorum, cosigned: proven?.checkpoint.cosignatures.length ?? 0 },
    files_verified: proven?.filesVerified ?? 0,
    // Nothing is told of a log that is not what its checkpoint says.
    chains: proven === undefined ? 0 : audit.chains.chains,
    heartbeats: proven === undefined ? 0 : audit.chains.heartbeats,
    manifests: proven === undefined ? 0 : audit.releases.manifests,
    releases: proven === undefined ? 0 : audit.releases.releases.length,
    approvals_verified: proven?.approvals ?? null,
    last_logged_at: proven === undefined || audit.lastLoggedTime === undefined ? null : new Date(audit.lastLoggedTime).toISOString(),
    policy_redecided: false,
  };
  return { ok: findings.count === 0, findings: findings.list, finding_count: findings.count, summary };
}

/** The size a checkpoint claims. Proves nothing. */
export function claimedSize(note: Uint8Array): bigint {
  return parseCheckpoint(parseNote(note).text).size;
}
