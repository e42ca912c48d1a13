import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AgentError } from './errors.js';

/** The node's own files: mode 0600, replaced as a whole, durable before a write returns. One process owns the folder. */
export class StateFolder {
  /** @throws AgentError `state-unusable` when others can read it */
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if ((statSync(folder).mode & 0o077) !== 0) throw new AgentError('state-unusable', `${folder} can be read by others; make it 0700`);
  }

  read(name: string): Uint8Array | undefined {
    const path = join(this.folder, name);
    return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
  }

  /** JSON of a file, or undefined where there is none. @throws AgentError `state-unusable` for anything that is not JSON */
  readJson(name: string): unknown {
    const bytes = this.read(name);
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch (cause) {
      throw new AgentError('state-unusable', `${name} in the state folder is damaged`, { cause });
    }
  }

  write(name: string, bytes: Uint8Array | string): void {
    const path = join(this.folder, name);
    const temporary = `${path}.new`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      const buffer = Buffer.from(bytes);
      for (let written = 0; written < buffer.length; ) written += writeSync(file, buffer, written);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  writeJson(name: string, value: unknown): void {
    this.write(name, JSON.stringify(value));
  }
}
