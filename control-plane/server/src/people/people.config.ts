import { z } from 'zod';
import { defineConfig, type ConfigOf } from '../platform/config.js';

export const peopleConfig = defineConfig(
  'people',
  z.strictObject({
    /** Minutes a session lives, however busy. Default 15. */
    sessionMinutes: z.number().int().min(1).max(480).default(15),
    /** Sessions one person may have at once; the oldest ends. Default 8. */
    sessionsPerPerson: z.number().int().min(1).max(100).default(8),
    /** What a sign-in assertion must name as its audience: this API's origin. */
    audience: z.url().default('http://localhost:7080'),
  }),
);
export type PeopleConfig = ConfigOf<typeof peopleConfig>;
