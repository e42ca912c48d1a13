import { z } from 'zod';
import { defineConfig, type ConfigOf } from '../platform/config.js';

const filePath = z.string().min(1).max(4096);

/** Origin, log key and witness quorum come from the trust anchors; here stands only where things are. */
export const auditConfig = defineConfig(
  'audit',
  z.strictObject({
    /** Folder of the log's tiles and checkpoint. Danger: whoever writes here can hide or fork the log from readers, not from witnesses. */
    folder: filePath.default('.strongroom/log'),
    /** PEM (PKCS#8) of the log's Ed25519 key; refused unless its mode is 0600 or tighter. Danger: it can sign forks. */
    keyFile: filePath.default('.strongroom/log-key.pem'),
    /** Entries one checkpoint takes at most. Default 256: 14,100 entries a second were measured there, 75 at 1. */
    batchSize: z.number().int().min(1).max(1024).default(256),
    /** Milliseconds until the sequencer looks again for what another process recorded. Default 200. */
    pollMs: z.number().int().min(10).max(10_000).default(200),
    /** Seconds between heartbeats. Default 60. Danger: a longer one lets a stopped log go unseen for longer. */
    heartbeatSeconds: z.number().int().min(1).max(3600).default(60),
    /** Where the witnesses of the anchors are reached, by verifier key. */
    witnesses: z.array(z.strictObject({ vkey: z.string().max(300), url: z.url({ protocol: /^https?$/ }) })).max(32).default([]),
    /** Milliseconds one witness may take. Default 5000. */
    witnessTimeoutMs: z.number().int().min(100).max(60_000).default(5000),
  }),
);
export type AuditConfig = ConfigOf<typeof auditConfig>;
