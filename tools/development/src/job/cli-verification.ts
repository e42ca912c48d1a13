import type { Installation } from '../platform/configuration.js';

/** A second opinion by the auditor's own tool, where this checkout has it. @returns what to add to the step's line */
export async function verifyWithCli(_folder: string, _installation: Installation): Promise<string> {
  return '';
}
