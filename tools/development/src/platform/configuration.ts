import { join } from 'node:path';
import type { PostgresConnection } from '@strongroom/control-plane-postgres';
import type { Founding } from '../genesis/found.js';
import { DOMAIN, platformKeyFiles, TENANT } from '../genesis/platform-keys.js';
import type { Home } from '../home/home.js';
import { writePrivateFile } from '../home/private-file.js';
import type { Ports } from './ports.js';

export interface Installation {
  readonly home: Home;
  readonly runtimeFolder: string;
  readonly ports: Ports;
  readonly founding: Founding;
  readonly policyRevision: number;
}

const trustFiles = (home: Home): { anchors: string; genesis: string } => ({ anchors: join(home.trust, 'anchors.json'), genesis: join(home.trust, 'genesis.json') });
export const releaserSocket = (runtimeFolder: string): string => join(runtimeFolder, 'releaser.sock');

/** Anchors and genesis where the programs read them. Public; the digests that pin them stand in each program's own configuration. */
export function writeTrust(home: Home, founding: Founding): void {
  const files = trustFiles(home);
  writePrivateFile(files.anchors, JSON.stringify(founding.anchors));
  writePrivateFile(files.genesis, JSON.stringify(founding.genesis));
}

/** @returns the configuration file of the server. */
export function writeServerConfiguration({ home, runtimeFolder, ports, founding, policyRevision }: Installation, connection: PostgresConnection): string {
  const keys = platformKeyFiles(home);
  const connectionFile = join(home.server, 'database.json');
  writePrivateFile(connectionFile, JSON.stringify(connection));
  const files = trustFiles(home);
  return write(join(home.server, 'config.json'), {
    profile: 'development',
    identity: { domain: DOMAIN, tenant: TENANT },
    listeners: { peoplePort: ports.people, agentsPort: ports.agents },
    database: { connectionFile },
    authority: keys.authority,
    trust: { anchorsFile: files.anchors, anchorsDigest: founding.anchorsDigest, genesisFile: files.genesis, genesisDigest: founding.genesisDigest },
    audit: { folder: home.log, keyFile: keys.logKeyFile },
    people: { audience: `http://localhost:${ports.people}` },
    policies: { revision: policyRevision },
    keys: { releaserSocket: releaserSocket(runtimeFolder) },
    appraisals: { keyFile: keys.earKeyFile },
    // A line a request would fill the disk of a platform that runs for days.
    logging: { level: 'warn' },
  });
}

/** @returns the configuration file of the releaser. */
export function writeReleaserConfiguration({ home, runtimeFolder, founding, policyRevision }: Installation, connection: PostgresConnection): string {
  const keys = platformKeyFiles(home);
  const passwordFile = join(home.releaser, 'database-password');
  writePrivateFile(passwordFile, connection.password);
  const files = trustFiles(home);
  const { host, port, user, database } = connection;
  return write(join(home.releaser, 'config.json'), {
    profile: 'development',
    state_folder: home.releaser,
    socket: releaserSocket(runtimeFolder),
    database: { host, port, user, database, password_file: passwordFile },
    anchors: { file: files.anchors, digest: founding.anchorsDigest },
    genesis: { file: files.genesis, digest: founding.genesisDigest },
    policy: { revision: policyRevision },
    signing_key_file: keys.releaserKeyFile,
    key_service: { adapter: 'development', folder: keys.keyStoreFolder },
  });
}

export interface NodePlace {
  readonly name: string;
  readonly id: string;
  readonly evidence: readonly ('hardware' | 'swtpm' | 'software')[];
}

/** @returns the configuration file of a node's agent. */
export function writeAgentConfiguration({ home, runtimeFolder, ports, founding, policyRevision }: Installation, node: NodePlace): string {
  const folder = join(home.agents, node.name);
  return write(join(folder, 'config.json'), {
    node: node.id,
    stateFolder: join(folder, 'state'),
    runtimeFolder: join(runtimeFolder, node.name),
    weightsFolder: home.sealed,
    server: `https://localhost:${ports.agents}`,
    serverAuthorityFile: platformKeyFiles(home).authority.certificateFile,
    anchorsFile: trustFiles(home).anchors,
    anchorsDigest: founding.anchorsDigest,
    genesisDigest: founding.genesisDigest,
    policyRevision,
    evidenceSources: node.evidence,
    pollSeconds: 0.2,
  });
}

function write(path: string, value: object): string {
  writePrivateFile(path, `${JSON.stringify(value, undefined, 2)}\n`);
  return path;
}
