import { z } from 'zod';
import { defineConfig, type ConfigOf } from '../platform/config.js';

export const appraisalsConfig = defineConfig(
  'appraisals',
  z.strictObject({
    /** PEM (PKCS#8) of the P-256 key that signs attestation results; refused unless its mode is 0600 or tighter. */
    keyFile: z.string().min(1).max(4096).default('.strongroom/ear-key.pem'),
    /** Seconds an attestation result is valid. Default 300. Danger: relying parties may act on it that long. */
    resultSeconds: z.number().int().min(10).max(3600).default(300),
  }),
);
export type AppraisalsConfig = ConfigOf<typeof appraisalsConfig>;
