import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { DER, derBits, derBoolean, derChildren, derOid, derSmallInteger, derTime, expectDer, parseDer, type DerElement } from './der.js';
import { digestOf, type Digest } from './digest.js';
import { EncodingError } from './errors.js';

/** The parts of an X.509 v3 certificate (RFC 5280 section 4.1) that a path is judged by. Parsed, not verified. */
export interface Certificate {
  readonly raw: Uint8Array;
  /** `sha256:<hex>` over the DER: the form trust anchors are pinned in. */
  readonly digest: Digest;
  /** DER of the names, compared byte for byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER SubjectPublicKeyInfo as it stands in the certificate. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** basicConstraints: null when absent. */
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null;
  /** Set bits of keyUsage (0 digitalSignature … 5 keyCertSign …), null when absent. */
  readonly keyUsage: ReadonlySet<number> | null;
  /** OIDs of extendedKeyUsage, empty when absent. */
  readonly extendedKeyUsage: readonly string[];
  readonly criticalExtensions: readonly string[];
  readonly signed: { readonly bytes: Uint8Array; readonly algorithm: string; readonly signature: Uint8Array };
}

const MAX_CERTIFICATE_BYTES = 16 * 1024;
export const OID = { keyUsage: '2.5.29.15', subjectAltName: '2.5.29.17', basicConstraints: '2.5.29.19', certificatePolicies: '2.5.29.32', extendedKeyUsage: '2.5.29.37' } as const;

/** SHA-1 signatures are left out on purpose. */
const SIGNATURE_HASH: Readonly<Record<string, { hash: 'sha256' | 'sha384' | 'sha512'; keyType: 'rsa' | 'ec' }>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', keyType: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', keyType: 'rsa' },
  '1.2.840.113549.1.1.13': { hash: 'sha512', keyType: 'rsa' },
  '1.2.840.10045.4.3.2': { hash: 'sha256', keyType: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', keyType: 'ec' },
  '1.2.840.10045.4.3.4': { hash: 'sha512', keyType: 'ec' },
};

/**
 * Reads one DER certificate of at most 16 KiB. Subjects may be empty and names in any order, as real endorsement-key certificates
 * have them. Proves nothing: see `verifyCertificatePath`.
 * @throws EncodingError `certificate-malformed`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    return readCertificate(der);
  } catch (cause) {
    throw new EncodingError('certificate-malformed', 'not a readable X.509 certificate', { cause });
  }
}

function readCertificate(der: Uint8Array): Certificate {
  const [tbs, algorithm, signature, ...more] = derChildren(expectDer(parseDer(der, MAX_CERTIFICATE_BYTES), DER.sequence, 'certificate'));
  if (more.length > 0) throw new EncodingError('der-malformed', 'certificate has more than three parts');
  const fields = derChildren(expectDer(tbs, DER.sequence, 'tbsCertificate'));
  if (fields[0]?.tag !== 0xa0) throw new EncodingError('der-malformed', 'certificate is not of version 3');
  const [, , innerAlgorithm, issuer, validity, subject, spki, ...rest] = fields;
  const outer = expectDer(algorithm, DER.sequence, 'signatureAlgorithm');
  // RFC 5280 section 4.1.1.2: both copies of the algorithm must be the same, or an unsigned one could steer the check.
  if (!Buffer.from(outer.raw).equals(expectDer(innerAlgorithm, DER.sequence, 'signature').raw)) {
    throw new EncodingError('der-malformed', 'the two signature algorithms differ');
  }
  const [notBefore, notAfter] = derChildren(expectDer(validity, DER.sequence, 'validity'));
  const signatureBits = derBits(expectDer(signature, DER.bitString, 'signatureValue'));
  return {
    raw: der,
    digest: digestOf(der),
    issuer: expectDer(issuer, DER.sequence, 'issuer').raw,
    subject: expectDer(subject, DER.sequence, 'subject').raw,
    notBefore: derTime(present(notBefore)),
    notAfter: derTime(present(notAfter)),
    subjectPublicKeyInfo: expectDer(spki, DER.sequence, 'subjectPublicKeyInfo').raw,
    ...readExtensions(rest.find((field) => field.tag === 0xa3)),
    signed: { bytes: expectDer(tbs, DER.sequence, 'tbsCertificate').raw, algorithm: derOid(present(derChildren(outer)[0])), signature: signatureBits.bytes },
  };
}

function present(element: DerElement | undefined): DerElement {
  if (element === undefined) throw new EncodingError('der-malformed', 'a required element is absent');
  return element;
}

type Extensions = Pick<Certificate, 'basicConstraints' | 'keyUsage' | 'extendedKeyUsage' | 'criticalExtensions'>;

function readExtensions(wrapper: DerElement | undefined): Extensions {
  const values = new Map<string, Uint8Array>();
  const criticalExtensions: string[] = [];
  for (const extension of wrapper === undefined ? [] : derChildren(expectDer(derChildren(wrapper)[0], DER.sequence, 'extensions'))) {
    const parts = derChildren(extension);
    const oid = derOid(present(parts[0]));
    if (values.has(oid)) throw new EncodingError('der-malformed', 'an extension stands twice');
    const critical = parts[1]?.tag === DER.boolean;
    if (critical && derBoolean(present(parts[1]))) criticalExtensions.push(oid);
    values.set(oid, expectDer(parts[critical ? 2 : 1], DER.octetString, 'extension value').content);
  }
  return {
    criticalExtensions,
    basicConstraints: optional(values.get(OID.basicConstraints), readBasicConstraints) ?? null,
    keyUsage: optional(values.get(OID.keyUsage), readKeyUsage) ?? null,
    extendedKeyUsage: optional(values.get(OID.extendedKeyUsage), (element) => derChildren(element).map(derOid)) ?? [],
  };
}

function optional<T>(value: Uint8Array | undefined, read: (element: DerElement) => T): T | undefined {
  return value === undefined ? undefined : read(parseDer(value, MAX_CERTIFICATE_BYTES));
}

function readBasicConstraints(element: DerElement): { ca: boolean; pathLength: number | null } {
  const [first, second] = derChildren(element);
  const ca = first?.tag === DER.boolean && derBoolean(first);
  const length = first?.tag === DER.boolean ? second : first;
  return { ca, pathLength: length === undefined ? null : derSmallInteger(length) };
}

function readKeyUsage(element: DerElement): ReadonlySet<number> {
  const { bytes, unused } = derBits(element);
  const bits = new Set<number>();
  for (let bit = 0; bit < bytes.length * 8 - unused; bit++) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) bits.add(bit);
  }
  return bits;
}

/** The certified key. @throws EncodingError `certificate-malformed` when it is of no kind that can be used here. */
export function certificatePublicKey(certificate: Certificate): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(certificate.subjectPublicKeyInfo), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new EncodingError('certificate-malformed', 'the certified key is unreadable', { cause });
  }
}

/** Whether `issuer`'s key made the signature on `certificate`. RSA (PKCS #1 v1.5) and ECDSA with SHA-256, -384, -512; anything else: false. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const scheme = SIGNATURE_HASH[certificate.signed.algorithm];
  if (scheme === undefined) return false;
  const key = certificatePublicKey(issuer);
  return key.asymmetricKeyType === scheme.keyType && verify(scheme.hash, certificate.signed.bytes, key, certificate.signed.signature);
}
