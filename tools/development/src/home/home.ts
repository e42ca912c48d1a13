import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DevelopmentError } from '../errors.js';
import { makePrivateFolder } from './private-file.js';

/** Where everything of one development installation lies. Paths are absolute. */
export interface Home {
  readonly root: string;
  /** One folder a person, unread by every program but theirs. */
  readonly people: string;
  /** Anchors and genesis statement, public. */
  readonly trust: string;
  readonly authority: string;
  readonly server: string;
  readonly releaser: string;
  /** One folder a node. */
  readonly agents: string;
  /** Tiles and checkpoint of the transparency log. */
  readonly log: string;
  /** What the programs print. */
  readonly logs: string;
  readonly postgres: string;
  /** Weights in the clear, as a training cluster would have them. */
  readonly weights: string;
  /** Sealed weights, one folder an asset. */
  readonly sealed: string;
  /** Exports of the log, for offline checks. */
  readonly exports: string;
  /** What this launcher remembers. */
  readonly stateFile: string;
}

/**
 * Makes the folders of a home that are missing.
 * @param path `STRONGROOM_HOME`, else `.strongroom` in the working folder.
 * @throws DevelopmentError `home-unusable`
 */
export function openHome(path: string): Home {
  try {
    // Root's database runs under another account, which has to pass through; what lies below is closed folder by folder.
    const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
    mkdirSync(resolve(path), { recursive: true, mode });
    const root = realpathSync(resolve(path));
    chmodSync(root, mode);
    const home = layout(root);
    for (const folder of [home.people, home.trust, home.authority, home.server, home.releaser, home.agents, home.log, home.logs, home.weights, home.sealed, home.exports]) makePrivateFolder(folder);
    return home;
  } catch (cause) {
    if (cause instanceof DevelopmentError) throw cause;
    const code = String((cause as { code?: unknown }).code);
    throw new DevelopmentError('home-unusable', `${resolve(path)} cannot be used (${code}): make it writable, or set STRONGROOM_HOME to another folder`, { cause });
  }
}

function layout(root: string): Home {
  const at = (name: string): string => join(root, name);
  return {
    root,
    people: at('people'),
    trust: at('trust'),
    authority: at('authority'),
    server: at('server'),
    releaser: at('releaser'),
    agents: at('agents'),
    log: at('log'),
    logs: at('logs'),
    postgres: at('postgres'),
    weights: at('weights'),
    sealed: at('sealed'),
    exports: at('exports'),
    stateFile: at('development.json'),
  };
}
