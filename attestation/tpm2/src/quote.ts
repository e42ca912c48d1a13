import { createHash } from 'node:crypto';
import { fromBase64url } from '@strongroom/attestation-encoding';
import { provenClaims, type PcrBank, type Tpm2Evidence, type VerifiedClaims } from '@strongroom/attestation-model';
import { hashSize, type SigningHash } from './algorithms.js';
import { parseAttest, type Attest, type QuoteAttest } from './attest.js';
import { equalBytes, requireAttestationKey } from './attestation-key.js';
import { Tpm2Error } from './errors.js';
import type { PcrSelection } from './pcr-selection.js';
import { tpmName, type PublicArea } from './public-area.js';
import { parseSignature, verifySignature } from './signature.js';

export interface ExpectedQuote {
  /** TPM name of the enrolled attestation key, lowercase hex. */
  readonly akName: string;
  /** The 32 bytes the quote must answer: see `evidenceBindingDigest`. */
  readonly bindingDigest: Uint8Array;
}

export interface RequiredPcrs {
  readonly bank: 'sha256' | 'sha384';
  /** PCRs the quote must cover; it may cover more. Never empty. */
  readonly indexes: readonly number[];
}

/**
 * Verifies that `evidence` is a quote by the enrolled attestation key in answer to this very binding, over every required PCR.
 * Does not say whether the PCR values are good, nor whether the TPM rebooted: that is appraisal.
 *
 * @throws Tpm2Error `tpm-quote-selection` and the codes of `verifyTpm2Quote`
 */
export function verifyTpm2Evidence(evidence: Tpm2Evidence, expected: ExpectedQuote & { readonly requiredPcrs: RequiredPcrs }): VerifiedClaims {
  const { bank, indexes } = expected.requiredPcrs ?? {};
  if (!Array.isArray(indexes) || indexes.length === 0) throw new Tpm2Error('tpm-expectation-malformed', 'no PCR is required');
  const claims = verifyTpm2Quote(evidence, expected);
  const values = claims.pcrs.find((candidate) => candidate.bank === bank)?.values;
  // A right digest over PCR 16 alone is a genuine quote that says nothing: the selection itself is demanded.
  if (values === undefined || indexes.some((index) => !Object.hasOwn(values, String(index)))) {
    throw new Tpm2Error('tpm-quote-selection', 'quote does not cover the required PCRs');
  }
  return claims;
}

/**
 * As `verifyTpm2Evidence`, without demanding which PCRs are covered: for appraisal, which then matches whole environments.
 *
 * @throws Tpm2Error `tpm-expectation-malformed` | `tpm-evidence-malformed` | `tpm-quote-malformed` | `tpm-quote-trailing` | `tpm-quote-magic` |
 *   `tpm-quote-type` | `tpm-signature-malformed` | `tpm-quote-signature` | `tpm-quote-nonce-mismatch` | `tpm-quote-selection` |
 *   `tpm-quote-pcr-digest` | `tpm-public-*` | `tpm-ak-*`
 * @see TPM 2.0 Library, Part 2, TPMS_ATTEST and TPMS_QUOTE_INFO
 */
export function verifyTpm2Quote(evidence: Tpm2Evidence, expected: ExpectedQuote): VerifiedClaims {
  const { attestBytes, signature, akPublic, pcrs } = readEvidence(evidence);
  const attest = parseAttest(attestBytes);
  const ak = requireAttestationKey(akPublic, expected.akName);
  requireStatement(attest, attestBytes, signature, ak, expected.bindingDigest);
  if (attest.type !== 'quote') throw new Tpm2Error('tpm-quote-type', 'attestation is not a quote');
  requirePcrValues(attest, pcrs, ak);
  return provenClaims({
    kind: 'tpm2',
    hardware: true,
    akName: tpmName(ak),
    bindingDigest: new Uint8Array(expected.bindingDigest),
    pcrs,
    clock: attest.clock,
    firmwareVersion: attest.firmwareVersion,
  });
}

/** Signature by the key, then the caller's own bytes inside what was signed. */
export function requireStatement(attest: Attest, attestBytes: Uint8Array, signature: Uint8Array, ak: PublicArea, bindingDigest: Uint8Array): void {
  if (!(bindingDigest instanceof Uint8Array) || bindingDigest.length !== 32) throw new Tpm2Error('tpm-expectation-malformed', 'expected binding is not 32 bytes');
  if (!verifySignature(ak, attestBytes, parseSignature(signature))) throw new Tpm2Error('tpm-quote-signature', 'signature is not by the attestation key');
  if (!equalBytes(attest.extraData, bindingDigest)) throw new Tpm2Error('tpm-quote-nonce-mismatch', 'statement answers another challenge');
}

/** The values sent must be exactly those selected, in the selection's order, and hash to what the TPM signed. */
function requirePcrValues(attest: QuoteAttest, pcrs: readonly PcrBank[], ak: PublicArea): void {
  if (attest.selection.every(({ indexes }) => indexes.length === 0)) throw new Tpm2Error('tpm-quote-selection', 'quote covers no PCR');
  const selected = attest.selection.filter(({ indexes }) => indexes.length > 0);
  if (selected.length !== pcrs.length) throw new Tpm2Error('tpm-quote-selection', 'other banks were sent than quoted');
  const hash: SigningHash = ak.scheme?.hash ?? 'sha256';
  const digest = createHash(hash);
  selected.forEach((selection, at) => {
    for (const value of selectedValues(selection, pcrs[at])) digest.update(value);
  });
  if (!equalBytes(digest.digest(), attest.pcrDigest)) throw new Tpm2Error('tpm-quote-pcr-digest', 'PCR values are not those quoted');
}

function selectedValues(selection: PcrSelection, bank: PcrBank | undefined): readonly Uint8Array[] {
  const sent = Object.keys(bank?.values ?? {});
  if (bank?.bank !== selection.bank || sent.length !== selection.indexes.length) throw new Tpm2Error('tpm-quote-selection', 'other PCRs were sent than quoted');
  return selection.indexes.map((index) => {
    const value = Object.hasOwn(bank.values, String(index)) ? bank.values[String(index)] : undefined;
    if (value === undefined) throw new Tpm2Error('tpm-quote-selection', 'other PCRs were sent than quoted');
    return Buffer.from(value, 'hex');
  });
}

interface RawEvidence {
  readonly attestBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly akPublic: Uint8Array;
  readonly pcrs: readonly PcrBank[];
}

const BANK_NAMES = new Set(['sha1', 'sha256', 'sha384', 'sha512']);
const PCR_INDEX = /^(0|[1-9]|[12][0-9]|3[01])$/;

/** Shape only, and a copy: what is judged cannot change while it is judged. */
function readEvidence(evidence: unknown): RawEvidence {
  const malformed = (message: string, cause?: unknown): Tpm2Error => new Tpm2Error('tpm-evidence-malformed', message, { cause });
  if (typeof evidence !== 'object' || evidence === null) throw malformed('evidence is not an object');
  const { kind, attest, signature, ak_public: akPublic, pcrs, ...rest } = evidence as Record<string, unknown>;
  if (kind !== 'tpm2') throw malformed('evidence is of another kind');
  if (Object.keys(rest).length > 0) throw malformed('evidence has unknown members');
  if (!Array.isArray(pcrs) || pcrs.length > 4) throw malformed('PCR banks are not a list of at most four');
  try {
    return { attestBytes: fromBase64url(attest, 2048 + 64), signature: fromBase64url(signature, 1024), akPublic: fromBase64url(akPublic, 1024), pcrs: pcrs.map(readBank) };
  } catch (cause) {
    throw malformed('evidence is not of its shape', cause);
  }

  function readBank(value: unknown): PcrBank {
    const { bank, values } = (value ?? {}) as { bank?: unknown; values?: unknown };
    if (typeof bank !== 'string' || !BANK_NAMES.has(bank) || typeof values !== 'object' || values === null) throw malformed('PCR bank is not of its shape');
    const digits = hashSize(bank as PcrBank['bank']) * 2;
    const entries = Object.entries(values as Record<string, unknown>);
    if (entries.length > 32 || entries.some(([index, digest]) => !PCR_INDEX.test(index) || typeof digest !== 'string' || digest.length !== digits || !/^[0-9a-f]+$/.test(digest))) {
      throw malformed('PCR values are not of their shape');
    }
    return { bank: bank as PcrBank['bank'], values: Object.freeze(Object.fromEntries(entries)) as PcrBank['values'] };
  }
}

