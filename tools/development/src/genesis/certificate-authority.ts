import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BasicConstraintsExtension, cryptoProvider, KeyUsageFlags, KeyUsagesExtension, PemConverter, SubjectKeyIdentifierExtension, X509CertificateGenerator } from '@peculiar/x509';
import { writePrivateFile } from '../home/private-file.js';

cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEARS = 10;

export interface AuthorityFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** The CA that signs node certificates: P-256, path length 0. Made when there is none; the certificate is written last and so tells whether it is whole. */
export async function makeAuthority(folder: string, domain: string, now: Date): Promise<AuthorityFiles & { readonly made: boolean }> {
  const files = { certificateFile: join(folder, 'certificate.pem'), keyFile: join(folder, 'key.pem') };
  if (existsSync(files.certificateFile) && existsSync(files.keyFile)) return { ...files, made: false };
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=Strongroom nodes of ${domain}`,
    notBefore: new Date(now.getTime() - 5 * 60_000),
    notAfter: new Date(Date.UTC(now.getUTCFullYear() + YEARS, now.getUTCMonth(), now.getUTCDate())),
    signingAlgorithm: P256,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  writePrivateFile(files.keyFile, PemConverter.encode(pkcs8, 'PRIVATE KEY'));
  pkcs8.fill(0);
  writePrivateFile(files.certificateFile, certificate.toString('pem'));
  return { ...files, made: true };
}
