import { z } from 'zod';
import { defineConfig, type ConfigOf } from '../platform/config.js';

export const keysConfig = defineConfig(
  'keys',
  z.strictObject({
    /** Unix socket of the releaser. */
    releaserSocket: z.string().min(1).max(107).default('.strongroom/releaser.sock'),
    /** Milliseconds one operation may take. Default 15000. */
    timeoutMs: z.number().int().min(100).max(120_000).default(15_000),
  }),
);
export type KeysConfig = ConfigOf<typeof keysConfig>;
