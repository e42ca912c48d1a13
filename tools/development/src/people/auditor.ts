import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CHECKPOINT_PATH, verifyCheckpoint, verifyLogFolder } from '@strongroom/attestation-tlog';
import { logTrust } from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { DevelopmentError } from '../errors.js';
import type { ApiClient } from './api-client.js';
import type { Session } from './session.js';
import type { PeopleTrust } from './trust.js';

/** One page of the server's export, as far as it is read here; the rest is kept as it came. */
export const exportPage = z.looseObject({
  entries: z.array(z.looseObject({ index: z.string(), entry: z.string(), proof: z.string() })),
  next: z.string().nullable(),
});

export interface LogExport {
  readonly folder: string;
  /** Entries in the tree that was exported. */
  readonly size: string;
  readonly pages: number;
}

/** Reads everything and changes nothing: takes the log home, with a proof of each entry. */
export class Auditor {
  constructor(
    readonly session: Session,
    private readonly api: ApiClient,
    private readonly trust: PeopleTrust,
  ) {}

  /**
   * Writes into `folder`: the log's own files under `log/`, the server's export page by page as `export-<n>.json`, anchors and
   * genesis. What is fetched is verified on the way, so that a broken export is told now; who doubts it verifies the folder again.
   * @throws TlogError; DevelopmentError `log-unproven` | `request-refused`
   */
  async exportLog(folder: string): Promise<LogExport> {
    const note = await this.api.file(`/log/${CHECKPOINT_PATH}`);
    if (note === undefined) throw new DevelopmentError('log-unproven', 'the log has no checkpoint yet');
    const checkpoint = verifyCheckpoint(note, logTrust(this.trust.anchors.value));
    const keep = async (path: string, bytes: Uint8Array): Promise<void> => {
      const target = join(folder, 'log', path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, bytes);
    };
    await keep(CHECKPOINT_PATH, note);
    const fetchFile = async (path: string): Promise<Uint8Array | undefined> => {
      const bytes = await this.api.file(`/log/${path}`);
      if (bytes !== undefined) await keep(path, bytes);
      return bytes;
    };
    await verifyLogFolder(fetchFile, checkpoint);
    const pages = await this.exportPages(folder, checkpoint.size);
    await writeFile(join(folder, 'anchors.json'), JSON.stringify(this.trust.anchors.envelope));
    await writeFile(join(folder, 'genesis.json'), JSON.stringify(this.trust.genesis.envelope));
    return { folder, size: String(checkpoint.size), pages };
  }

  private async exportPages(folder: string, size: bigint): Promise<number> {
    let from: bigint | undefined = 0n;
    let pages = 0;
    while (from !== undefined) {
      const page: z.infer<typeof exportPage> = await this.session.call({ method: 'GET', path: `/v1/audit/export?from=${from}&to=${size}` }, exportPage);
      pages += 1;
      await writeFile(join(folder, `export-${pages}.json`), JSON.stringify(page));
      from = page.next === null ? undefined : BigInt(page.next) + 1n;
    }
    return pages;
  }
}
