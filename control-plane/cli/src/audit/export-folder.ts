import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKPOINT_PATH, DiskLogStorage, type FetchFile } from '@strongroom/attestation-tlog';
import { CliError } from '../errors.js';
import { readJson } from '../files.js';
import { shown } from '../terminal/text.js';

/** Names inside an export. `log/` alone is what any C2SP tlog-tiles tool reads. */
export const EXPORT = {
  about: 'export.json',
  log: 'log',
  anchors: 'anchors.json',
  genesis: 'genesis.json',
  document: (kind: 'roster' | 'enclave' | 'policy' | 'manifest', digest: string) => join('documents', `${kind}-${digest.replace('sha256:', '')}.json`),
  request: (id: string) => join('requests', `${id}.json`),
} as const;

/** An export, or a bare log folder, as it lies on disk. Nothing in it is believed. */
export class ExportFolder {
  private constructor(
    readonly path: string,
    private readonly log: DiskLogStorage,
  ) {}

  /** @throws CliError `file-missing` */
  static async open(path: string): Promise<ExportFolder> {
    for (const log of [join(path, EXPORT.log), path]) {
      const found = await stat(join(log, CHECKPOINT_PATH)).catch(() => undefined);
      if (found?.isFile() === true) return new ExportFolder(path, new DiskLogStorage(log));
    }
    throw new CliError('file-missing', `${shown(path)} is not an export: it has no log/checkpoint`);
  }

  readonly fetchFile: FetchFile = (path) => this.log.read(path);

  /** @throws CliError `file-missing` when it has vanished since */
  async checkpoint(): Promise<Uint8Array> {
    const note = await this.log.read(CHECKPOINT_PATH);
    if (note === undefined) throw new CliError('file-missing', 'the export has no checkpoint');
    return note;
  }

  /** A JSON file of the export, or undefined. @throws CliError `file-malformed` */
  async document(name: string): Promise<unknown> {
    try {
      return await readJson(join(this.path, name));
    } catch (error) {
      if (error instanceof CliError && error.code === 'file-missing') return undefined;
      throw error;
    }
  }
}
