import { z } from 'zod';
import { defineConfig, type ConfigOf } from './config.js';

const filePath = z.string().min(1).max(4096);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256:<64 lowercase hex>');

/** What this installation trusts before anything else. The files may lie anywhere; the digests are what is pinned. */
export const trustConfig = defineConfig(
  'trust',
  z.strictObject({
    /** DSSE file of the trust anchors. */
    anchorsFile: filePath,
    /** Digest of the anchors in force. Danger: whoever sets it decides whom the whole platform believes. */
    anchorsDigest: digest,
    /** DSSE file of the genesis statement, entry 0 of the log. */
    genesisFile: filePath,
    /** Digest of the genesis statement, pinned out of band. */
    genesisDigest: digest,
  }),
);
export type TrustConfig = ConfigOf<typeof trustConfig>;
