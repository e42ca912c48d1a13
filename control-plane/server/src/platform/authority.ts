import 'reflect-metadata';
import { createPublicKey, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as x509 from '@peculiar/x509';
import { digestOf } from '@strongroom/attestation-encoding';
import type { Clock } from './clock.js';
import { StrongroomError } from './errors.js';
import type { AuthorityConfig } from './platform.config.js';
import type { Randomness } from './randomness.js';

x509.cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
/** Certificates begin a little in the past, for machines whose clock runs behind ours. */
const BACKDATE_MS = 5 * 60_000;
const MAX_CSR_BYTES = 8192;

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** Lowercase hex. */
  readonly serial: string;
  readonly notAfter: Date;
  /** SHA-256 of the certified key's DER SubjectPublicKeyInfo. */
  readonly keyDigest: string;
}

/** Signs short-lived node certificates and this server's own. Holds the platform's CA key, which proves nodes, never keys to weights. */
export class CertificateAuthority {
  readonly certificate: NodeCertificate;

  private constructor(
    readonly certificatePem: string,
    private readonly issuer: x509.X509Certificate,
    private readonly signingKey: webcrypto.CryptoKey,
    private readonly clock: Clock,
    private readonly randomness: Randomness,
  ) {
    this.certificate = new NodeCertificate(certificatePem);
  }

  /** @throws StrongroomError `ca-unusable` for a missing, expired, foreign or loosely kept key. */
  static async load(config: Pick<AuthorityConfig, 'certificateFile' | 'keyFile'>, clock: Clock, randomness: Randomness): Promise<CertificateAuthority> {
    try {
      if ((statSync(config.keyFile).mode & 0o077) !== 0) throw new Error(`${config.keyFile} can be read by others; make it 0600`);
      const pem = readFileSync(config.certificateFile, 'utf8');
      const der = x509.PemConverter.decodeFirst(readFileSync(config.keyFile, 'utf8'));
      const key = await webcrypto.subtle.importKey('pkcs8', der, P256, false, ['sign']);
      new Uint8Array(der).fill(0);
      const authority = new CertificateAuthority(pem, new x509.X509Certificate(pem), key, clock, randomness);
      await authority.#assertUsable();
      return authority;
    } catch (cause) {
      throw new StrongroomError('ca-unusable', cause instanceof Error ? cause.message : undefined, { cause });
    }
  }

  /**
   * Certifies the key of a certificate request for one node. Only the key is taken from the request: subject, names and uses
   * are ours.
   * @param csr PKCS#10, DER. Its signature must prove possession of the key (P-256 or P-384).
   * @throws StrongroomError `csr-*`
   */
  async issueNodeCertificate(csr: Uint8Array, spiffeId: string, lifetimeHours: number): Promise<IssuedCertificate> {
    const publicKey = await provenKey(csr);
    return this.#issue(publicKey, lifetimeHours, { names: [{ type: 'url', value: spiffeId }], use: x509.ExtendedKeyUsage.clientAuth });
  }

  /** A fresh key and certificate for the agents' listener. The key lives in this process only. */
  async issueServerCertificate(hosts: readonly string[], lifetimeHours: number): Promise<IssuedCertificate & { privateKeyPem: string }> {
    const pair = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey));
    const names = hosts.map((host) => ({ type: /^[\d.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const), value: host.replace(/^\[|\]$/g, '') }));
    const issued = await this.#issue(spki, lifetimeHours, { names, use: x509.ExtendedKeyUsage.serverAuth });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey);
    return { ...issued, privateKeyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
  }

  async #issue(spki: Uint8Array, lifetimeHours: number, about: { names: x509.JsonGeneralNames; use: string }): Promise<IssuedCertificate> {
    const now = this.clock.now().getTime();
    const notAfter = new Date(Math.min(now + lifetimeHours * HOUR_MS, Date.parse(this.certificate.validTo)));
    const serial = serialNumber(this.randomness);
    const publicKey = new x509.PublicKey(spki);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      issuer: this.issuer.subject,
      subject: '',
      notBefore: new Date(now - BACKDATE_MS),
      notAfter,
      publicKey,
      signingKey: this.signingKey,
      signingAlgorithm: P256,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([about.use], false),
        // RFC 5280 4.2.1.6: with an empty subject the names are critical.
        new x509.SubjectAlternativeNameExtension(about.names, true),
        await x509.AuthorityKeyIdentifierExtension.create(this.issuer.publicKey),
      ],
    });
    return { certificatePem: certificate.toString('pem'), serial, notAfter, keyDigest: digestOf(spki) };
  }

  async #assertUsable(): Promise<void> {
    const { certificate } = this;
    const now = this.clock.now().getTime();
    if (!certificate.ca) throw new Error('the CA certificate is not one of a CA');
    if (!(Date.parse(certificate.validFrom) <= now && now < Date.parse(certificate.validTo))) throw new Error('the CA certificate is not valid now');
    const probe = this.randomness.bytes(32);
    const signature = await webcrypto.subtle.sign(P256, this.signingKey, probe);
    const publicKey: unknown = await this.issuer.publicKey.export(P256, ['verify'], webcrypto);
    if (!(await webcrypto.subtle.verify(P256, publicKey as webcrypto.CryptoKey, signature, probe))) throw new Error('the CA key is not the one of its certificate');
  }
}

/** Makes a CA and writes it: the certificate, and its key with mode 0600. Part of genesis. Refuses to overwrite a key. */
export async function createAuthority(
  files: Pick<AuthorityConfig, 'certificateFile' | 'keyFile'>,
  about: { readonly domain: string; readonly years: number },
  clock: Clock,
  randomness: Randomness,
): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const now = clock.now();
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + about.years);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(randomness),
    name: `CN=Strongroom nodes of ${about.domain}`,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter,
    signingAlgorithm: P256,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  for (const file of [files.keyFile, files.certificateFile]) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(files.keyFile, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), { mode: 0o600, flag: 'wx' });
  chmodSync(files.keyFile, 0o600);
  pkcs8.fill(0);
  writeFileSync(files.certificateFile, certificate.toString('pem'), { mode: 0o644 });
}

/** The request's key, as DER SubjectPublicKeyInfo, once its signature is checked. */
async function provenKey(csr: Uint8Array): Promise<Uint8Array> {
  if (csr.length > MAX_CSR_BYTES) throw new StrongroomError('csr-malformed', `a certificate request has at most ${MAX_CSR_BYTES} bytes`);
  let request: x509.Pkcs10CertificateRequest;
  let spki: Uint8Array;
  let curve: string | undefined;
  try {
    request = new x509.Pkcs10CertificateRequest(Uint8Array.from(csr).buffer);
    spki = new Uint8Array(request.publicKey.rawData);
    curve = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).asymmetricKeyDetails?.namedCurve;
  } catch (cause) {
    throw new StrongroomError('csr-malformed', undefined, { cause });
  }
  if (curve !== 'prime256v1' && curve !== 'secp384r1') throw new StrongroomError('csr-key', 'use a P-256 or P-384 key');
  const possessed = await request.verify(webcrypto).catch(() => false);
  if (!possessed) throw new StrongroomError('csr-possession');
  return spki;
}

/** 127 random bits, positive, so that serials neither collide nor count our nodes. */
function serialNumber(randomness: Randomness): string {
  const bytes = Buffer.from(randomness.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
