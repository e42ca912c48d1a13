import { createHash, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CollectorError } from '../errors.js';
import { handlesBetween } from './capability.js';
import type { Tpm } from './command.js';
import { TPM_RH } from './constants.js';
import { elementAt, elementsIn } from './der.js';
import { ENDORSEMENT_KEY_PROFILES } from './key-templates.js';
import type { EndorsementKeyProfile } from './key-templates.js';
import { withPrimaryKey } from './keys.js';
import { nvRead } from './nv.js';
import { publicKeyOf } from './public-area.js';

export interface EndorsementKey {
  readonly profile: EndorsementKeyProfile;
  /** X.509 DER, without the padding some vendors leave behind it. */
  readonly certificate: Uint8Array;
  /** TPMT_PUBLIC as this TPM derives it. */
  readonly publicArea: Uint8Array;
  /** DER SubjectPublicKeyInfo of the same key. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** X.509 DER of what the vendor left in the TPM to lead to its root; empty for most. */
  readonly chain: readonly Uint8Array[];
}

const MAX_CERTIFICATE_BYTES = 8192;
/** Where the TCG EK Credential Profile puts the certificates above the endorsement keys’. */
const CHAIN_FIRST = 0x01c00100;
const CHAIN_LAST = 0x01c001ff;

/** The hierarchies' passwords; empty unless the platform's owner set them. */
export interface EndorsementAuths {
  readonly ownerAuth: Uint8Array;
  readonly endorsementAuth: Uint8Array;
}

/** Which endorsement keys have a certificate in this TPM, in order of preference. */
export async function certifiedProfiles(tpm: Tpm): Promise<readonly EndorsementKeyProfile[]> {
  const present = new Set(await handlesBetween(tpm, 0x01c00000, 0x01c000ff));
  return ENDORSEMENT_KEY_PROFILES.filter(({ certificateIndex }) => present.has(certificateIndex));
}

/**
 * Reads an endorsement key's certificate and derives the key, and checks that they are the same key. Whether the
 * certificate is a good one (its chain, its extensions) is for the verifier.
 *
 * @param only the profile to use; else the most preferred that has a certificate.
 * @throws CollectorError `ek-certificate-missing` | `ek-certificate-malformed` | `ek-certificate-mismatch`
 */
export async function readEndorsementKey(tpm: Tpm, auths: EndorsementAuths, only?: EndorsementKeyProfile['name']): Promise<EndorsementKey> {
  const profile = (await certifiedProfiles(tpm)).find(({ name }) => only === undefined || name === only);
  if (profile === undefined) throw new CollectorError('ek-certificate-missing', 'the TPM holds no endorsement key certificate that we can use');
  const stored = await nvRead(tpm, profile.certificateIndex, { maxBytes: MAX_CERTIFICATE_BYTES, ownerAuth: auths.ownerAuth });
  const certificate = firstCertificate(stored);
  const primary = { hierarchy: TPM_RH.ENDORSEMENT, hierarchyAuth: auths.endorsementAuth, template: profile.template };
  const area = await withPrimaryKey(tpm, primary, (_handle, made) => Promise.resolve(made));
  const subjectPublicKeyInfo = spkiOf(publicKeyOf(area));
  if (!Buffer.from(subjectPublicKeyInfo).equals(spkiOf(certifiedKey(certificate)))) {
    throw new CollectorError('ek-certificate-mismatch', 'the endorsement certificate is of another key than this TPM derives');
  }
  return { profile, certificate, publicArea: area.bytes, subjectPublicKeyInfo, chain: await readChain(tpm, auths.ownerAuth) };
}

/** `sha256:<hex>` over an endorsement key's SubjectPublicKeyInfo: what people register a machine by. */
export function hardwareIdOf(subjectPublicKeyInfo: Uint8Array): string {
  return `sha256:${createHash('sha256').update(subjectPublicKeyInfo).digest('hex')}`;
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}

function firstCertificate(stored: Uint8Array): Uint8Array {
  return wrapped(() => stored.slice(0, elementAt(stored, 0).end));
}

/**
 * The public key of a certificate. Not through X509Certificate: real endorsement certificates carry RSA keys labelled
 * id-RSAES-OAEP and names that strict readers refuse.
 */
export function certifiedKey(certificate: Uint8Array): KeyObject {
  return wrapped(() => {
    const [tbs] = elementsIn(certificate, elementAt(certificate, 0));
    if (tbs === undefined) throw new RangeError('empty');
    const fields = elementsIn(certificate, tbs);
    // version [0] is optional; serial, signature, issuer, validity, subject, then the key.
    const spki = fields[fields[0]?.tag === 0xa0 ? 6 : 5];
    if (spki === undefined) throw new RangeError('no key');
    const bytes = Buffer.from(certificate.slice(spki.start, spki.end));
    const [algorithm, bits] = elementsIn(certificate, spki);
    if (algorithm === undefined || bits === undefined) throw new RangeError('no key');
    const oid = Buffer.from(certificate.slice(algorithm.contentStart, algorithm.end)).toString('hex');
    const isOaep = oid.startsWith('06092a864886f70d010107');
    if (!isOaep) return createPublicKey({ key: bytes, format: 'der', type: 'spki' });
    return createPublicKey({ key: Buffer.from(certificate.slice(bits.contentStart + 1, bits.end)), format: 'der', type: 'pkcs1' });
  });
}

async function readChain(tpm: Tpm, ownerAuth: Uint8Array): Promise<readonly Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (const index of await handlesBetween(tpm, CHAIN_FIRST, CHAIN_LAST)) {
    pieces.push(await nvRead(tpm, index, { maxBytes: MAX_CERTIFICATE_BYTES, ownerAuth }));
  }
  return splitCertificates(new Uint8Array(Buffer.concat(pieces)));
}

/** Certificates lie end to end, running on from one index to the next; what follows the last is padding. */
export function splitCertificates(stored: Uint8Array): readonly Uint8Array[] {
  const certificates: Uint8Array[] = [];
  for (let at = 0; stored[at] === 0x30; ) {
    const { end } = wrapped(() => elementAt(stored, at));
    certificates.push(stored.slice(at, end));
    at = end;
  }
  return certificates;
}

function wrapped<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CollectorError('ek-certificate-malformed', 'an endorsement certificate of the TPM cannot be read', { cause });
  }
}
