import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { loadOrMake } from '../home/private-file.js';

/** An Ed25519 key in a PKCS #8 PEM file of mode 0600, made when there is none. */
export function ed25519Key(path: string): KeyObject {
  return privateKey(path, () => generateKeyPairSync('ed25519').privateKey);
}

/** A P-256 key, as above. */
export function p256Key(path: string): KeyObject {
  return privateKey(path, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

function privateKey(path: string, make: () => KeyObject): KeyObject {
  const pem = Buffer.from(loadOrMake(path, () => Buffer.from(make().export({ format: 'pem', type: 'pkcs8' }))));
  try {
    return createPrivateKey(pem);
  } finally {
    pem.fill(0);
  }
}
