import type { ContractErrorCode } from '@strongroom/control-plane-contract';
import type { TlogErrorCode } from '@strongroom/attestation-tlog';

/** What can be wrong with a log besides its bytes. Stable: auditors' scripts switch on these. */
export type AuditFindingCode =
  | 'log-empty'
  /** Not canonical JSON, or not an event of ours. */
  | 'entry-malformed'
  /** The event says it stands elsewhere in the log. */
  | 'entry-misplaced'
  | 'genesis-not-first'
  | 'genesis-repeated'
  /** The event before this one in a chain is missing, another, or changed. */
  | 'chain-broken'
  /** A heartbeat commits to other chain heads than the entries give. */
  | 'chain-root-mismatch'
  | 'release-malformed'
  | 'release-repeated'
  /** The custody manifest stands in no earlier entry. */
  | 'release-manifest-not-logged'
  /** Roster or enclave document stands in no earlier entry. */
  | 'release-document-not-logged'
  /** The logged policy input speaks of something else than the release. */
  | 'release-input-mismatch'
  | 'release-quorum'
  /** With documents: one is not in the export. */
  | 'document-missing'
  | 'document-mismatch'
  /** The earlier checkpoint is of another history. */
  | 'log-fork'
  /** The earlier checkpoint has more entries. */
  | 'log-rolled-back'
  /** The log ends before the instant it should reach. */
  | 'log-too-short';

export interface Finding {
  readonly code: AuditFindingCode | TlogErrorCode | ContractErrorCode;
  readonly message: string;
  /** The entry it is about. */
  readonly index?: bigint;
}

const MAX_FINDINGS = 200;

/** Collects findings: the first ones, and how many there were. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  add(code: Finding['code'], message: string, index?: bigint): void {
    this.count += 1;
    if (this.list.length < MAX_FINDINGS) this.list.push({ code, message, ...(index === undefined ? {} : { index }) });
  }
}
