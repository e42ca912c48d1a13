import { z } from 'zod';
import { defineConfig, type ConfigOf } from '../platform/config.js';

export const policiesConfig = defineConfig(
  'policies',
  z.strictObject({
    /** Revision the signed envelope must name for the bundle this program carries. Default 1. */
    revision: z.number().int().min(1).max(2_147_483_647).default(1),
  }),
);
export type PoliciesConfig = ConfigOf<typeof policiesConfig>;
