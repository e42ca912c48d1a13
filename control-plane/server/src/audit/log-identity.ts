import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createNoteSigner, type NoteSigner } from '@strongroom/attestation-tlog';
import { StrongroomError } from '../platform/errors.js';

/** The log's name and key. */
export interface LogIdentity {
  readonly origin: string;
  readonly signer: NoteSigner;
}

/**
 * Reads the log's Ed25519 key and holds it against the key the anchors name, so that nothing is ever signed that nobody trusts.
 * @throws StrongroomError `config-invalid`
 */
export function loadLogIdentity(keyFile: string, log: { readonly origin: string; readonly vkey: string }): LogIdentity {
  try {
    if ((statSync(keyFile).mode & 0o077) !== 0) throw new Error(`${keyFile} can be read by others; make it 0600`);
    return logIdentity(createPrivateKey(readFileSync(keyFile)), log);
  } catch (cause) {
    throw new StrongroomError('config-invalid', `the log key cannot be used: ${cause instanceof Error ? cause.message : 'unknown'}`, { cause });
  }
}

export function logIdentity(privateKey: KeyObject, log: { readonly origin: string; readonly vkey: string }): LogIdentity {
  const signer = createNoteSigner({ name: log.origin, privateKey });
  if (signer.vkey !== log.vkey) throw new StrongroomError('config-invalid', 'the log key is not the one the anchors name');
  return { origin: log.origin, signer };
}
