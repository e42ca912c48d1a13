import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import { approvalChallenge, type ApprovalStatement, type Assertion } from '@strongroom/control-plane-contract';

/** The model this authenticator says it is: on the allow-list of the development profile's policy data and of no other. */
export const DEVELOPMENT_AAGUID = '5374726f-6e67-4f6f-8d00-000000000001';

/** UP and UV: the development people are always present and always verified, which is why production refuses this model. */
const PRESENT_AND_VERIFIED = 0x05;

export interface ApprovalSite {
  readonly rpId: string;
  readonly origin: string;
}

/**
 * A WebAuthn authenticator in software, with the client's part: ES256, one credential, approvals alone.
 * @see WebAuthn Level 3, sections 5.8.1 and 6.1
 */
export class SoftwareAuthenticator {
  /** Digest of the public key: stable, and tells nothing. */
  readonly credentialId: string;
  /** COSE_Key, base64url. */
  readonly publicKey: string;
  readonly #key: KeyObject;

  constructor(privateKey: KeyObject) {
    this.#key = privateKey;
    const publicKey = createPublicKey(privateKey);
    this.credentialId = toBase64url(sha256(publicKey.export({ format: 'der', type: 'spki' })));
    this.publicKey = toBase64url(coseKey(publicKey));
  }

  approve(statement: ApprovalStatement, { rpId, origin }: ApprovalSite): Assertion {
    const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge: toBase64url(approvalChallenge(statement)), origin, crossOrigin: false }));
    const authenticatorData = Buffer.concat([sha256(Buffer.from(rpId)), Buffer.from([PRESENT_AND_VERIFIED, 0, 0, 0, 0])]);
    const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientData)]), this.#key);
    return { credential_id: this.credentialId, client_data_json: toBase64url(clientData), authenticator_data: toBase64url(authenticatorData), signature: toBase64url(signature) };
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** {1: 2, 3: -7, -1: 1, -2: x, -3: y} in CTAP2 canonical CBOR: the map's head, three small pairs, two byte strings of 32 (RFC 9053, section 7.1). */
function coseKey(publicKey: KeyObject): Uint8Array {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const coordinate = (label: number, value: string): Buffer => Buffer.concat([Buffer.from([label, 0x58, 0x20]), Buffer.from(value, 'base64url')]);
  return Buffer.concat([Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01]), coordinate(0x21, x), coordinate(0x22, y)]);
}
