import { z } from 'zod';
import { accessRequestSchema } from './access-request.js';
import { approvalSchema } from './approval.js';
import { sealedMessageSchema } from './hpke.js';
import { MAX_ENTRY_BYTES } from './log-entry.js';
import { bytes, dsse, uuid } from './scalars.js';

/** A log entry with the proof that a log holds it. */
export const provenEntrySchema = z.strictObject({
  /** The entry's bytes. */
  entry: bytes(2, MAX_ENTRY_BYTES),
  /** `.tlog-proof` text: index, inclusion proof, checkpoint. */
  proof: z.string().min(1).max(64 * 1024),
});
export type ProvenEntry = z.infer<typeof provenEntrySchema>;

/**
 * Everything a release rests on, raw: what the server hands to the releaser and to the agent, neither of which takes its word.
 */
export const releaseMaterialSchema = z.strictObject({
  roster: dsse,
  policy: dsse,
  enclave: dsse,
  registration: dsse,
  binding: dsse,
  manifest: dsse,
  manifest_entry: provenEntrySchema,
  request: accessRequestSchema,
  approvals: z.array(approvalSchema).min(1).max(64),
  release_entry: provenEntrySchema,
});
export type ReleaseMaterial = z.infer<typeof releaseMaterialSchema>;

export const releasedKeySchema = z.strictObject({ shard: z.number().int().min(0).max(99_999), sealed: sealedMessageSchema });
export type ReleasedKey = z.infer<typeof releasedKeySchema>;

/** What a node gets: the keys, and everything it needs to refuse them. */
export const releaseAnswerSchema = z.strictObject({
  release_id: uuid,
  material: releaseMaterialSchema,
  keys: z.array(releasedKeySchema).min(1).max(10_000),
  lease: dsse,
});
export type ReleaseAnswer = z.infer<typeof releaseAnswerSchema>;
