import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { DevelopmentError } from '../errors.js';
import { writePrivateFile } from './private-file.js';

const schema = z.strictObject({
  v: z.literal(1),
  /** Revision of the policy bundle in force, and what the bundle was then. */
  policy: z.strictObject({ revision: z.number().int().min(1), content: z.string() }).nullable(),
  /** Port people are served on at genesis; approvals name its origin. */
  approvalPort: z.number().int().nullable(),
  /** Node name to id. */
  nodes: z.record(z.string(), z.string()),
  runs: z.number().int().min(0),
});

export type LauncherState = z.infer<typeof schema>;

/** What the launcher remembers between starts; nothing secret. @throws DevelopmentError `home-unusable` for a damaged file */
export function readState(path: string): LauncherState {
  if (!existsSync(path)) return { v: 1, policy: null, approvalPort: null, nodes: {}, runs: 0 };
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new DevelopmentError('home-unusable', `${path} is damaged: restore it, or set STRONGROOM_HOME to another folder`, { cause });
  }
}

export function writeState(path: string, state: LauncherState): void {
  writePrivateFile(path, `${JSON.stringify(schema.parse(state), undefined, 2)}\n`);
}
