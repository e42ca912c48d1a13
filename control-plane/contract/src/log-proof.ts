import type { ProvenEntry } from './release-material.js';
import type { Anchors } from './anchors.js';

/** A log entry whose inclusion under a signed (and, where asked, witnessed) checkpoint is proven. */
export interface ProvenLogEntry {
  readonly entry: Uint8Array;
  readonly index: bigint;
  readonly leafHash: Uint8Array;
  readonly checkpoint: { readonly origin: string; readonly size: bigint; readonly rootHash: Uint8Array };
}
export declare function verifyProvenEntry(proven: ProvenEntry, anchors: Anchors, now: Date): ProvenLogEntry;
