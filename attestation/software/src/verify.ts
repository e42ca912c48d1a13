import { createPublicKey, timingSafeEqual, verify, type KeyObject } from 'node:crypto';
import { fromBase64url, parseCanonicalJson, sha256 } from '@strongroom/attestation-encoding';
import { provenClaims, type PcrBank, type SoftwareEvidence, type VerifiedClaims } from '@strongroom/attestation-model';
import { SoftwareEvidenceError } from './errors.js';

export interface ExpectedSoftwareEvidence {
  /** Name of the enrolled key: see `softwareKeyName`. */
  readonly akName: string;
  /** The 32 bytes the statement must answer: see `evidenceBindingDigest`. */
  readonly bindingDigest: Uint8Array;
}

const MAX_STATEMENT_BYTES = 16 * 1024;
const MAX_KEY_BYTES = 256;
const NAME = /^000b[0-9a-f]{64}$/;
const DIGEST_DIGITS = { sha1: 40, sha256: 64, sha384: 96, sha512: 128 } as const;
const PCR_INDEX = /^(0|[1-9]|[12][0-9]|3[01])$/;

/** Name of a software key, in the form of a TPM name: `000b` (SHA-256) and the digest of the DER SubjectPublicKeyInfo, lowercase hex. */
export function softwareKeyName(subjectPublicKeyInfo: Uint8Array): string {
  return `000b${Buffer.from(sha256(subjectPublicKeyInfo)).toString('hex')}`;
}

/**
 * Verifies that the holder of the enrolled software key stated `evidence` in answer to this binding. It proves possession of a key in some
 * process's memory and nothing else: `hardware` is false, and what the statement measured is the process's own word.
 *
 * @throws SoftwareEvidenceError every code of its union
 */
export function verifySoftwareEvidence(evidence: SoftwareEvidence, expected: ExpectedSoftwareEvidence): VerifiedClaims {
  requireExpectation(expected);
  const { statement, signature, publicKey } = readEvidence(evidence);
  if (!equalBytes(Buffer.from(softwareKeyName(publicKey)), Buffer.from(expected.akName))) {
    throw new SoftwareEvidenceError('software-key-name-mismatch', 'key is not the enrolled one');
  }
  if (signature.length !== 64 || !verify('sha256', statement, { key: readKey(publicKey), dsaEncoding: 'ieee-p1363' }, signature)) {
    throw new SoftwareEvidenceError('software-signature', 'signature is not by the enrolled key');
  }
  const { binding, pcrs } = readStatement(statement);
  if (!equalBytes(binding, expected.bindingDigest)) throw new SoftwareEvidenceError('software-binding-mismatch', 'statement answers another challenge');
  return provenClaims({ kind: 'software', hardware: false, akName: expected.akName, bindingDigest: binding, pcrs });
}

function requireExpectation({ akName, bindingDigest }: ExpectedSoftwareEvidence): void {
  if (typeof akName !== 'string' || !NAME.test(akName) || !(bindingDigest instanceof Uint8Array) || bindingDigest.length !== 32) {
    throw new SoftwareEvidenceError('software-expectation-malformed', 'expected key name or binding is absent or malformed');
  }
}

function readEvidence(evidence: unknown): { statement: Uint8Array; signature: Uint8Array; publicKey: Uint8Array } {
  if (typeof evidence !== 'object' || evidence === null) throw malformed('evidence is not an object');
  const { kind, statement, signature, public_key: publicKey, ...rest } = evidence as Record<string, unknown>;
  if (kind !== 'software' || Object.keys(rest).length > 0) throw malformed('evidence is of another kind or has unknown members');
  try {
    return { statement: fromBase64url(statement, MAX_STATEMENT_BYTES), signature: fromBase64url(signature, 64), publicKey: fromBase64url(publicKey, MAX_KEY_BYTES) };
  } catch (cause) {
    throw malformed('evidence is not of its shape', cause);
  }
}

function readKey(subjectPublicKeyInfo: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(subjectPublicKeyInfo), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new SoftwareEvidenceError('software-key-unsupported', 'key is unreadable', { cause });
  }
  // One key has one spelling here, or one key could have two names.
  const canonical = key.export({ format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1' || !canonical.equals(subjectPublicKeyInfo)) {
    throw new SoftwareEvidenceError('software-key-unsupported', 'key is not a P-256 key in its usual DER form');
  }
  return key;
}

function readStatement(bytes: Uint8Array): { binding: Uint8Array; pcrs: readonly PcrBank[] } {
  try {
    const { type, binding, pcrs, ...rest } = record(parseCanonicalJson(bytes, MAX_STATEMENT_BYTES));
    if (type !== 'strongroom/software-evidence/v1' || Object.keys(rest).length > 0) throw malformed('statement is of another type');
    if (!Array.isArray(pcrs) || pcrs.length > 4) throw malformed('PCR banks are not a list of at most four');
    const banks = pcrs.map(readBank);
    if (new Set(banks.map(({ bank }) => bank)).size !== banks.length) throw malformed('a PCR bank stands twice');
    return { binding: fromBase64url(binding, 32), pcrs: banks };
  } catch (cause) {
    throw cause instanceof SoftwareEvidenceError ? cause : malformed('statement is not of its shape', cause);
  }
}

function readBank(value: unknown): PcrBank {
  const { bank, values, ...rest } = record(value);
  const digits = typeof bank === 'string' && Object.hasOwn(DIGEST_DIGITS, bank) ? DIGEST_DIGITS[bank as PcrBank['bank']] : 0;
  const entries = Object.entries(record(values));
  const wellFormed = entries.every(([index, digest]) => PCR_INDEX.test(index) && typeof digest === 'string' && digest.length === digits && /^[0-9a-f]+$/.test(digest));
  if (digits === 0 || Object.keys(rest).length > 0 || !wellFormed) throw malformed('PCR bank is not of its shape');
  return { bank: bank as PcrBank['bank'], values: Object.freeze(Object.fromEntries(entries)) as PcrBank['values'] };
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('an object is expected');
  return value as Record<string, unknown>;
}

function malformed(message: string, cause?: unknown): SoftwareEvidenceError {
  return new SoftwareEvidenceError('software-evidence-malformed', message, { cause });
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
