import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { digestOf } from '@strongroom/attestation-encoding';
import { StrongroomError } from '../platform/errors.js';

/**
 * Digest of the SubjectPublicKeyInfo a certificate request asks to certify. Possession is proven when the certificate is issued.
 * @throws StrongroomError `csr-malformed`
 */
export function csrKeyDigest(csr: Uint8Array): string {
  try {
    return digestOf(new Uint8Array(new Pkcs10CertificateRequest(new Uint8Array(csr)).publicKey.rawData));
  } catch (cause) {
    throw new StrongroomError('csr-malformed', undefined, { cause });
  }
}
