import type { KeyObject } from 'node:crypto';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalBytes } from '@strongroom/attestation-encoding';
import { createNoteSigner, emptyEdge, formatCheckpoint, planAppend, signNote, TileReader } from '@strongroom/attestation-tlog';

interface Head {
  readonly position: number;
  readonly uid: string;
  readonly typeUid: number;
  readonly fingerprint: string;
}

export interface NewEvent {
  readonly code: string;
  readonly chains: readonly string[];
  readonly statement?: unknown;
  readonly typeUid?: number;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Writes a log as docs/protocol/audit-event.md says, by hand: what verifies it was not made by the same code. */
export class SealedLog {
  readonly entries: Uint8Array[] = [];
  #heads = new Map<string, Head>();
  #clock = Date.parse('2026-11-22T10:00:00Z');

  constructor(
    readonly origin: string,
    readonly key: KeyObject,
  ) {}

  /** @param change what somebody does to the event just before it is logged. */
  append(event: NewEvent, change: (value: Record<string, unknown>) => Record<string, unknown> = (value) => value): number {
    const index = this.entries.length;
    const typeUid = event.typeUid ?? 300403;
    const uid = `01920000-0000-7000-8000-${String(index).padStart(12, '0')}`;
    this.#clock += 1000;
    const positions = Object.fromEntries(event.chains.map((chain) => [chain, (this.#heads.get(chain)?.position ?? -1) + 1]));
    const bytes = canonicalBytes(
      change({
        class_uid: Math.floor(typeUid / 100),
        type_uid: typeUid,
        time: this.#clock,
        message: event.code,
        metadata: { version: '1.8.0', uid, event_code: event.code, sequence: index, logged_time: this.#clock },
        ...event.extra,
        unmapped: {
          ...(event.statement === undefined ? {} : { strongroom: event.statement }),
          chain_positions: positions,
          record_integrity: { serialization_id: 2, attestation_list: event.chains.map((chain) => this.#link(chain)) },
        },
      }),
    );
    this.entries.push(bytes);
    const fingerprint = createHash('sha256').update(bytes).digest('hex');
    for (const chain of event.chains) this.#heads.set(chain, { position: positions[chain] ?? 0, uid, typeUid, fingerprint });
    return index;
  }

  heartbeat(): number {
    const sorted = [...this.#heads].sort(([a], [b]) => (a < b ? -1 : 1));
    const leaves = sorted.map(([chain, head]) => canonicalBytes({ chain_uid: chain, fingerprint: head.fingerprint, position: head.position, uid: head.uid }));
    const root = `sha256:${Buffer.from(planAppend(emptyEdge(), leaves).rootHash).toString('hex')}`;
    const extra = { enrichments: [{ name: 'chain_heads', value: root, data: { chains: sorted.length, root, size: String(this.entries.length) } }] };
    return this.append({ code: 'heartbeat', chains: ['log'], typeUid: 600299, extra });
  }

  /** Tiles, bundles and a checkpoint by `key`, by their paths. */
  files(entries: readonly Uint8Array[] = this.entries, key: KeyObject = this.key): Map<string, Uint8Array> {
    const plan = planAppend(emptyEdge(), entries);
    const files = new Map(plan.files.map(({ path, bytes }) => [path, bytes]));
    const text = formatCheckpoint({ origin: this.origin, size: plan.size, rootHash: plan.rootHash });
    return files.set('checkpoint', signNote(text, [createNoteSigner({ name: this.origin, privateKey: key })]));
  }

  #link(chain: string): object {
    const head = this.#heads.get(chain);
    const previous = head && { uid: head.uid, type_uid: head.typeUid, fingerprint: { algorithm_id: 3, value: head.fingerprint } };
    return { chain_uid: chain, authority_uid: this.origin, ...(previous ? { prev_event: previous } : {}) };
  }
}

export async function writeFiles(folder: string, files: Iterable<readonly [string, string | Uint8Array]>): Promise<void> {
  for (const [path, bytes] of files) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, bytes);
  }
}

export function readerOf(files: ReadonlyMap<string, Uint8Array>): TileReader {
  return new TileReader(async (path) => files.get(path));
}
