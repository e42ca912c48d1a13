import 'reflect-metadata';
import { createPublicKey, webcrypto, type KeyObject } from 'node:crypto';
import {
  BasicConstraintsExtension, ExtendedKeyUsageExtension, Extension, KeyUsageFlags, KeyUsagesExtension, SubjectAlternativeNameExtension, X509CertificateGenerator,
  type Extension as ExtensionType,
} from '@peculiar/x509';
import { digestOf } from '@strongroom/attestation-encoding';

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;
const subtle = webcrypto.subtle;
const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const EK_PURPOSE = '2.23.133.8.1';
const START = new Date('2026-01-01T00:00:00Z');
const END = new Date('2036-01-01T00:00:00Z');

/** What to do differently from a genuine maker's certificate. */
export interface CertificateKnobs {
  readonly purposes?: readonly string[];
  readonly ca?: boolean;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Adds a critical extension nobody understands. */
  readonly unknownCritical?: boolean;
}

export interface AuthorityKnobs extends CertificateKnobs {
  readonly pathLength?: number;
  readonly certSign?: boolean;
}

/** A throw-away maker of TPMs: root, one intermediate, and certificates for any endorsement key. Its root stands in no list of trusted ones. */
export class FakeEndorsementAuthority {
  private constructor(
    /** DER. */
    readonly root: Uint8Array,
    readonly intermediate: Uint8Array,
    private readonly issuer: { readonly name: string; readonly keys: CryptoKeyPair },
  ) {}

  /** `sha256:<hex>` of the root, for tests that choose to trust it. */
  get rootDigest(): string {
    return digestOf(this.root);
  }

  static async create(knobs: { readonly root?: AuthorityKnobs; readonly intermediate?: AuthorityKnobs } = {}): Promise<FakeEndorsementAuthority> {
    const rootKeys = await newKeys();
    const keys = await newKeys();
    const rootName = 'CN=Fake TPM Root, O=Strongroom tests';
    const name = 'CN=Fake TPM Issuer, O=Strongroom tests';
    const root = await certify({ subject: rootName, publicKey: rootKeys.publicKey, issuer: rootName, signingKey: rootKeys.privateKey }, authority(knobs.root), knobs.root);
    const intermediate = await certify({ subject: name, publicKey: keys.publicKey, issuer: rootName, signingKey: rootKeys.privateKey }, authority(knobs.intermediate), knobs.intermediate);
    return new FakeEndorsementAuthority(root, intermediate, { name, keys });
  }

  /** An EK certificate as makers write them: empty subject, critical directoryName, the EK purpose. */
  async certifyEndorsementKey(publicKey: KeyObject, knobs: CertificateKnobs = {}): Promise<Uint8Array> {
    const extensions: ExtensionType[] = [
      new BasicConstraintsExtension(knobs.ca ?? false, undefined, true),
      new ExtendedKeyUsageExtension([...(knobs.purposes ?? [EK_PURPOSE])]),
      new SubjectAlternativeNameExtension([{ type: 'dn', value: '2.23.133.2.1=id:FFFFFFFF, 2.23.133.2.2=fake, 2.23.133.2.3=id:00000001' }], true),
    ];
    return certify({ subject: '', publicKey: await toWebCrypto(publicKey), issuer: this.issuer.name, signingKey: this.issuer.keys.privateKey }, extensions, knobs);
  }
}

function authority(knobs: AuthorityKnobs = {}): ExtensionType[] {
  const usage = knobs.certSign === false ? KeyUsageFlags.digitalSignature : KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  return [new BasicConstraintsExtension(knobs.ca ?? true, knobs.pathLength, true), new KeyUsagesExtension(usage, true)];
}

interface CertificateParts {
  readonly subject: string;
  readonly publicKey: CryptoKey;
  readonly issuer: string;
  readonly signingKey: CryptoKey;
}

async function certify(parts: CertificateParts, extensions: readonly ExtensionType[], knobs: CertificateKnobs = {}): Promise<Uint8Array> {
  const unknown = knobs.unknownCritical === true ? [new Extension('1.3.6.1.4.1.99999.1', true, Uint8Array.of(5, 0))] : [];
  const certificate = await X509CertificateGenerator.create(
    { ...parts, serialNumber: '01', notBefore: knobs.notBefore ?? START, notAfter: knobs.notAfter ?? END, signingAlgorithm: SIGNING, extensions: [...extensions, ...unknown] },
    webcrypto,
  );
  return new Uint8Array(certificate.rawData);
}

async function newKeys(): Promise<CryptoKeyPair> {
  return subtle.generateKey(SIGNING, true, ['sign', 'verify']);
}

async function toWebCrypto(publicKey: KeyObject): Promise<CryptoKey> {
  const spki = createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })).export({ format: 'der', type: 'spki' });
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  const algorithm = curve === undefined
    ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    : { name: 'ECDSA', namedCurve: curve === 'prime256v1' ? 'P-256' : 'P-384' };
  return subtle.importKey('spki', spki, algorithm, true, ['verify']);
}
