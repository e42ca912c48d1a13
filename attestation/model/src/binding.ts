import { createHash } from 'node:crypto';

/** What a node proves something for. A nonce serves once, for one purpose. */
export type EvidencePurpose = 'enrol' | 'release' | 'renew';

/** Everything a piece of evidence is tied to (protocol rule 7). */
export interface EvidenceBinding {
  readonly tenant: string;
  /** UUIDv7 of the node record. */
  readonly node: string;
  /** TPM name of the attestation key, lowercase hex: algorithm id ‖ digest. */
  readonly akName: string;
  readonly purpose: EvidencePurpose;
  /** The 32 bytes the verifier chose. */
  readonly nonce: Uint8Array;
  /** `sha256:<hex>` over the DER SubjectPublicKeyInfo of the key that secrets will be sealed to. */
  readonly transportKeyDigest: string;
  /** `sha256:<hex>` over the DER SubjectPublicKeyInfo of the node's mTLS key. */
  readonly mtlsKeyDigest: string;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const AK_NAME = /^[0-9a-f]{8,260}$/;
const PRINTABLE = /^[\x21-\x7e]{1,200}$/;

/**
 * The one definition of what evidence binds, for attester and verifier alike: SHA-256 of the RFC 8785 form of
 * `{ak_name, mtls_key, node, nonce, purpose, tenant, transport_key, type}`.
 * The 32 bytes stand in a TPM quote's qualifyingData, and followed by 32 zero bytes in a 64-byte REPORT_DATA.
 *
 * @returns 32 bytes.
 * @throws RangeError when a member is missing or not of its form: an unbound piece of evidence is never made.
 */
export function evidenceBindingDigest(binding: EvidenceBinding): Uint8Array {
  if (!(binding.nonce instanceof Uint8Array) || binding.nonce.length !== 32) throw new RangeError('nonce must be 32 bytes');
  if (!isPrintable(binding.tenant)) throw new RangeError('tenant must be printable ASCII');
  if (!isPrintable(binding.node)) throw new RangeError('node must be printable ASCII');
  if (!AK_NAME.test(binding.akName)) throw new RangeError('akName must be lowercase hex');
  if (!['enrol', 'release', 'renew'].includes(binding.purpose)) throw new RangeError('purpose is unknown');
  if (!DIGEST.test(binding.transportKeyDigest)) throw new RangeError('transportKeyDigest must be sha256:<hex>');
  if (!DIGEST.test(binding.mtlsKeyDigest)) throw new RangeError('mtlsKeyDigest must be sha256:<hex>');
  // Members in code-point order and ASCII values only: JSON.stringify gives exactly the RFC 8785 form here.
  const canonical = JSON.stringify({
    ak_name: binding.akName,
    mtls_key: binding.mtlsKeyDigest,
    node: binding.node,
    nonce: Buffer.from(binding.nonce).toString('base64url'),
    purpose: binding.purpose,
    tenant: binding.tenant,
    transport_key: binding.transportKeyDigest,
    type: 'strongroom/evidence/v1',
  });
  return new Uint8Array(createHash('sha256').update(canonical, 'utf8').digest());
}

/** The type is asked for by name: a pattern alone would take `undefined` for the text "undefined", and the member would be left out of the digest. */
function isPrintable(value: unknown): boolean {
  return typeof value === 'string' && PRINTABLE.test(value);
}
