import 'reflect-metadata';
import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator, cryptoProvider } from '@peculiar/x509';
import { digestOf } from '@strongroom/attestation-encoding';
import { AgentError } from './errors.js';
import type { StateFolder } from './state-folder.js';

cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const KEY = 'mtls-key.pem';
const CERTIFICATE = 'mtls-certificate.pem';
const AUTHORITY = 'mtls-authority.pem';

export interface ClientCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** The key a node speaks to the control plane with; its digest stands in every piece of evidence. */
export class MtlsIdentity {
  constructor(private readonly state: StateFolder) {}

  /** A fresh key and a certificate request over it (PKCS#10, DER). The old key stays until a certificate for the new one comes. */
  async request(): Promise<{ csr: Uint8Array; keyPem: string; keyDigest: string }> {
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: P256 });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64').replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
    pkcs8.fill(0);
    const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey));
    return { csr: new Uint8Array(request.rawData), keyPem, keyDigest: digestOf(spki) };
  }

  /** Puts key and certificate in force, once they fit each other. @throws AgentError `enrolment-refused` */
  adopt(keyPem: string, certificatePem: string, authorityPem: string, node: string): void {
    const certificate = new X509Certificate(certificatePem);
    const key = createPublicKey(keyPem).export({ format: 'der', type: 'spki' });
    const named = (certificate.subjectAltName ?? '').endsWith(`/node/${node}`);
    if (!certificate.publicKey.export({ format: 'der', type: 'spki' }).equals(key) || !named) {
      throw new AgentError('enrolment-refused', 'the certificate is for another key or node');
    }
    this.state.write(KEY, keyPem);
    this.state.write(AUTHORITY, authorityPem);
    this.state.write(CERTIFICATE, certificatePem);
  }

  /** What to connect with. @throws AgentError `not-enrolled` when there is none, or it has expired */
  current(now: Date): ClientCertificate & { readonly keyDigest: string } {
    const [key, certificate] = [this.state.read(KEY), this.state.read(CERTIFICATE)].map((bytes) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')));
    if (key === undefined || certificate === undefined) throw new AgentError('not-enrolled', 'this node is not enrolled; run `strongroom-agent enrol`');
    const parsed = new X509Certificate(certificate);
    if (Date.parse(parsed.validTo) <= now.getTime()) throw new AgentError('not-enrolled', 'the certificate has expired; run `strongroom-agent enrol`');
    const spki = parsed.publicKey.export({ format: 'der', type: 'spki' });
    return { key, certificate, keyDigest: digestOf(new Uint8Array(spki)) };
  }
}
