import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { fromBase64url, sha256, toBase64url } from '@strongroom/attestation-encoding';
import { approvalChallenge, type ApprovalStatement, type Assertion } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';
import { parseJson, readPrivate } from '../files.js';
import { shown } from '../terminal/text.js';

export interface ApprovalSite {
  readonly rpId: string;
  readonly origin: string;
}

/** UP and UV. Whoever can read the file is taken for present and verified, which is why only the development profile allows this model. */
const PRESENT_AND_VERIFIED = 0x05;

/**
 * A WebAuthn authenticator in software, with the client's part: one P-256 credential, approvals alone.
 * @see WebAuthn Level 3, sections 5.8.1 and 6.1
 */
export class SoftwareAuthenticator {
  readonly #key: KeyObject;

  constructor(
    readonly credentialId: string,
    key: KeyObject,
  ) {
    this.#key = key;
  }

  /**
   * Reads a file of mode 0600: JSON `{credential_id, private_key, aaguid}` (base64url, base64url of PKCS#8, UUID), or a P-256 key in PKCS#8 PEM,
   * whose credential id is the SHA-256 of its SubjectPublicKeyInfo.
   * @throws CliError `file-*` | `key-unsuitable`
   */
  static async read(path: string): Promise<SoftwareAuthenticator> {
    const bytes = await readPrivate(path);
    try {
      return bytes[0] === 0x7b ? fromJson(bytes, path) : fromPem(bytes, path);
    } finally {
      bytes.fill(0);
    }
  }

  sign(statement: ApprovalStatement, { rpId, origin }: ApprovalSite): Assertion {
    const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge: toBase64url(approvalChallenge(statement)), origin, crossOrigin: false }));
    const authenticatorData = Buffer.concat([sha256(rpId), Buffer.from([PRESENT_AND_VERIFIED, 0, 0, 0, 0])]);
    const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientData)]), this.#key);
    return { credential_id: this.credentialId, client_data_json: toBase64url(clientData), authenticator_data: toBase64url(authenticatorData), signature: toBase64url(signature) };
  }
}

function fromJson(bytes: Uint8Array, path: string): SoftwareAuthenticator {
  const { credential_id, private_key } = parseJson(bytes, path) as { credential_id?: unknown; private_key?: unknown };
  if (typeof credential_id !== 'string' || !/^[A-Za-z0-9_-]{22,1364}$/.test(credential_id) || typeof private_key !== 'string') {
    throw new CliError('file-malformed', `${shown(path)} is not an authenticator file`);
  }
  return new SoftwareAuthenticator(credential_id, p256(() => {
    const der = fromBase64url(private_key, 1024);
    try {
      return createPrivateKey({ key: Buffer.from(der.buffer, der.byteOffset, der.length), format: 'der', type: 'pkcs8' });
    } finally {
      der.fill(0);
    }
  }, path));
}

function fromPem(bytes: Uint8Array, path: string): SoftwareAuthenticator {
  const key = p256(() => createPrivateKey({ key: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), format: 'pem' }), path);
  return new SoftwareAuthenticator(toBase64url(sha256(new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' })))), key);
}

/** What the parser says is dropped: it may tell of the key. */
function p256(read: () => KeyObject, path: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read();
  } catch {
    key = undefined;
  }
  if (key?.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new CliError('key-unsuitable', `${shown(path)} does not hold a P-256 key`);
  return key;
}
