import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Anchors } from '@strongroom/control-plane-contract';
import { loadOrMake, makePrivateFolder } from '../home/private-file.js';

const KEK = 'kek-1';
// RFC 8410: PKCS #8 of X25519 is this prefix and the raw key.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/**
 * The releaser's development key store: a raw X25519 private key an enclave, in `<enclave>+<kek>.x25519`, made when there is none.
 * @returns what the anchors say of it.
 */
export function makeKeyStore(folder: string, enclaves: readonly string[]): Anchors['key_service'] {
  makePrivateFolder(folder);
  return enclaves.map((enclave) => {
    const key = loadOrMake(join(folder, `${enclave}+${KEK}.x25519`), () => new Uint8Array(randomBytes(32)));
    const der = Buffer.concat([PKCS8_PREFIX, key]);
    const { x = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
    der.fill(0);
    key.fill(0);
    return { enclave, kek: KEK, public_key: x };
  });
}
