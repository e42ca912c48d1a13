import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from '@jest/globals';

/** Whether the tools of the development TPM are here. `npm test` installs them. */
export const swtpmInstalled = ['swtpm', 'swtpm_setup', 'swtpm_localca'].every((tool) =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }),
);

/** Groups tests against a real swtpm; skipped, and named so, where there is none. */
export function describeWithSwtpm(name: string, tests: () => void): void {
  if (swtpmInstalled) describe(name, tests);
  else describe.skip(`${name} (skipped: swtpm and swtpm-tools are not installed)`, tests);
}
