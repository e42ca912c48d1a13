import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { canonicalBytes, sha256, toBase64url } from '@strongroom/attestation-encoding';
import type { PcrBank, SoftwareEvidence } from '@strongroom/attestation-model';

/** A throw-away software key and the evidence it states. */
export class FakeSoftwareAttester {
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly name: string;
  readonly #privateKey: KeyObject;

  constructor(namedCurve: 'P-256' | 'P-384' = 'P-256') {
    const pair = generateKeyPairSync('ec', { namedCurve });
    this.#privateKey = pair.privateKey;
    this.publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }));
    this.name = `000b${Buffer.from(sha256(this.publicKey)).toString('hex')}`;
  }

  attest(bindingDigest: Uint8Array, pcrs: readonly PcrBank[]): SoftwareEvidence {
    return this.state(canonicalBytes({ type: 'strongroom/software-evidence/v1', binding: toBase64url(bindingDigest), pcrs }));
  }

  /** Signs any bytes as a statement, for what a verifier must refuse. */
  state(statement: Uint8Array): SoftwareEvidence {
    const signature = sign('sha256', statement, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return { kind: 'software', statement: toBase64url(statement), signature: toBase64url(signature), public_key: toBase64url(this.publicKey) };
  }
}
