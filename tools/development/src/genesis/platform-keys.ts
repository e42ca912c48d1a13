import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { createNoteSigner } from '@strongroom/attestation-tlog';
import { toSignerKey, type Anchors } from '@strongroom/control-plane-contract';
import type { Home } from '../home/home.js';
import { makeAuthority, type AuthorityFiles } from './certificate-authority.js';
import { ed25519Key, p256Key } from './key-files.js';
import { makeKeyStore } from './key-store.js';

export const DOMAIN = 'strongroom.localhost';
export const TENANT = 'main';
export const ENCLAVE = 'weight-vault';

/** What the roots are asked to vouch for: the programs' public keys and the log's name. */
export interface PlatformFacts {
  readonly tenant: string;
  readonly domain: string;
  readonly log: Anchors['log'];
  readonly releaser: Anchors['releaser'];
  readonly key_service: Anchors['key_service'];
  readonly approval: Anchors['approval'];
}

/** Where the programs find their keys. */
export interface PlatformKeyFiles {
  readonly authority: AuthorityFiles;
  readonly logKeyFile: string;
  readonly earKeyFile: string;
  readonly releaserKeyFile: string;
  readonly keyStoreFolder: string;
}

export function platformKeyFiles(home: Home): PlatformKeyFiles {
  return {
    authority: { certificateFile: join(home.authority, 'certificate.pem'), keyFile: join(home.authority, 'key.pem') },
    logKeyFile: join(home.server, 'log-key.pem'),
    earKeyFile: join(home.server, 'ear-key.pem'),
    releaserKeyFile: join(home.releaser, 'signing-key.pem'),
    keyStoreFolder: join(home.releaser, 'keys'),
  };
}

/** Makes the keys of the programs that are missing, so that an interrupted genesis can be gone on with. */
export async function makePlatformKeys(home: Home, about: { readonly now: Date; readonly approvalOrigins: readonly string[] }): Promise<PlatformFacts> {
  const files = platformKeyFiles(home);
  await makeAuthority(home.authority, DOMAIN, about.now);
  p256Key(files.earKeyFile);
  const origin = `audit.${DOMAIN}/dev/${about.now.getUTCFullYear()}`;
  return {
    tenant: TENANT,
    domain: DOMAIN,
    log: { origin, vkey: createNoteSigner({ name: origin, privateKey: ed25519Key(files.logKeyFile) }).vkey },
    releaser: toSignerKey(createPublicKey(ed25519Key(files.releaserKeyFile))),
    key_service: makeKeyStore(files.keyStoreFolder, [ENCLAVE]),
    approval: { rp_id: 'approve.localhost', origins: [...about.approvalOrigins] },
  };
}
