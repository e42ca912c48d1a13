// npm test [-- filters and Jest options]: sets the checkout up, installs what tests need, runs every test.
// Its last line is `N passed, N failed, N skipped`; it fails when a test fails, and when there was none.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, main, setup } from './setup.mjs';
import { ensureSystemPackages } from './system-packages.mjs';
import { closingLine, readJestReport } from './tally.mjs';

/** Jest over the whole repository, or the part that `args` name. @returns the counts and whether Jest was content. */
export async function runJest(args, { node = process.execPath } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-report-'));
  try {
    const report = join(folder, 'jest.json');
    const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    const code = await run(node, ['--experimental-vm-modules', '--no-warnings', jest, '--json', `--outputFile=${report}`, ...args]);
    const counts = readJestReport(report);
    return { counts, good: code === 0 && counts.failed === 0 && counts.passed > 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.filename === process.argv[1]) {
  await main(async (args) => {
    const say = (line) => console.error(line);
    await setup({ say });
    await ensureSystemPackages({ say });
    const { counts, good } = await runJest(args);
    console.log(closingLine(counts));
    return good ? 0 : 1;
  });
}
