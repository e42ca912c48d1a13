import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';

/** An Ed25519 key that is the same in each run. For tests: anybody can make it. */
export function testKey(seed: string): KeyObject {
  const bytes = createHash('sha256').update(`strongroom test key ${seed}`).digest();
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes]);
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}
