import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '..', '..');
const env = { ...process.env, NX_DAEMON: 'false' };

function node(script: string, args: readonly string[], options: { cwd?: string; input?: string } = {}) {
  return spawnSync(process.execPath, [script, ...args], { cwd: root, encoding: 'utf8', env, ...options });
}

const boundary = '@nx/enforce-module-boundaries';
const library = 'agent/daemon/src/index.ts';

const refused: readonly (readonly [what: string, path: string, text: string, rule: string])[] = [
  ['an attester that imports a verifier', library, "export * from '@strongroom/attestation-tpm2';\n", boundary],
  ['the contract that imports the server', 'control-plane/contract/src/index.ts', "export * from '@strongroom/control-plane-server';\n", boundary],
  ['a log that imports appraisal', 'attestation/tlog/src/index.ts', "export * from '@strongroom/attestation-appraisal';\n", boundary],
  ['a product that imports fake attesters', 'control-plane/server/src/index.ts', "export * from '@strongroom/attestation-testing';\n", boundary],
  ['an import by path across projects', 'attestation/tlog/src/index.ts', "export * from '../../encoding/src/index.js';\n", boundary],
  ['claims declared proven outside attestation/', library, "export { provenClaims } from '@strongroom/attestation-model';\n", 'no-restricted-imports'],
  ['any', library, 'export const anything = (value: any): unknown => value;\n', '@typescript-eslint/no-explicit-any'],
  ['an assertion that something is there', library, 'export const first = (list: string[]): string => list[0]!;\n', '@typescript-eslint/no-non-null-assertion'],
  ['a promise nobody awaits', library, 'export const later = (work: Promise<void>): void => { work; };\n', '@typescript-eslint/no-floating-promises'],
  ['a default export', library, 'export default 1;\n', 'no-restricted-syntax'],
  ['printing from a library', library, "console.log('here');\nexport {};\n", 'no-console'],
];

const allowed: readonly (readonly [what: string, path: string, text: string])[] = [
  ['an attester that reads encodings', library, "export { canonicalJson } from '@strongroom/attestation-encoding';\n"],
  ['a test that uses fake attesters', 'agent/daemon/src/index.spec.ts', "export * from '@strongroom/attestation-testing';\n"],
];

describe('eslint', () => {
  let found: string[][];
  beforeAll(() => {
    const probes = [...refused, ...allowed].map(([, path, text]) => ({ path, text }));
    const { stdout, stderr } = node(join(import.meta.dirname, 'lint-probe.mjs'), [], { input: JSON.stringify(probes) });
    if (!stdout.startsWith('[')) throw new Error(`the probe failed: ${stderr}`);
    found = JSON.parse(stdout) as string[][];
  });

  it.each(refused.map(([what, , , rule], index) => ({ what, rule, index })))('refuses $what', ({ rule, index }) => {
    expect(found[index]).toContain(rule);
  });

  it.each(allowed.map(([what], index) => ({ what, index })))('allows $what', ({ index }) => {
    expect(found[refused.length + index]).not.toContain(boundary);
  });
});

describe('dependency-cruiser', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-order-'));
    for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'tsconfig.base.json']) await cp(join(root, name), join(folder, name));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The names of the rules broken by a tree of these files. */
  async function cruise(files: Record<string, string>): Promise<string[]> {
    const areas = ['agent', 'attestation', 'control-plane'];
    for (const area of areas) await rm(join(folder, area), { recursive: true, force: true });
    for (const area of areas) await mkdir(join(folder, area));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const { stdout } = node(program, ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...areas], { cwd: folder });
    const { summary } = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } };
    return [...new Set(summary.violations.map(({ rule }) => rule.name))];
  }

  const server = (path: string) => `control-plane/server/src/${path}`;
  const leaf = 'export const value = 1;\n';

  it('lets releases use the audit log, and refuses the way back', async () => {
    const up = { [server('releases/a.ts')]: "export * from '../audit/b.js';\n", [server('audit/b.ts')]: leaf };
    expect(await cruise(up)).toEqual([]);
    const down = { [server('audit/b.ts')]: "export * from '../releases/a.js';\n", [server('releases/a.ts')]: leaf };
    expect(await cruise(down)).toEqual(['server-order-audit']);
  });

  it('refuses neighbours, folders without a row and looking back at the application', async () => {
    expect(await cruise({ [server('nodes/a.ts')]: "export * from '../policies/b.js';\n", [server('policies/b.ts')]: leaf })).toEqual(['server-order-nodes']);
    expect(await cruise({ [server('helpers/a.ts')]: "export * from '../audit/b.js';\n", [server('audit/b.ts')]: leaf })).toEqual(['server-folder-unknown']);
    expect(await cruise({ [server('audit/a.ts')]: "export * from '../main.js';\n", [server('main.ts')]: leaf })).toEqual(['server-folder-imports-application']);
  });

  it('refuses a cycle', async () => {
    const files = { 'attestation/tlog/src/a.ts': "export * from './b.js';\n", 'attestation/tlog/src/b.ts': "import './a.js';\nexport const value = 1;\n" };
    expect(await cruise(files)).toEqual(['cycle']);
  });

  it('refuses an attester that reaches a verifier by a detour', async () => {
    const files = {
      'agent/daemon/src/a.ts': "export * from '../../../control-plane/contract/src/b.js';\n",
      'control-plane/contract/src/b.ts': "export * from '../../../attestation/tpm2/src/c.js';\n",
      'attestation/tpm2/src/c.ts': leaf,
    };
    expect(await cruise(files)).toEqual(['attester-reaches-verifier']);
  });

  it('refuses a product made of its tests', async () => {
    const files = { 'attestation/tlog/src/a.ts': "export * from './a.spec.js';\n", 'attestation/tlog/src/a.spec.ts': leaf };
    expect(await cruise(files)).toEqual(['product-imports-test']);
  });
});
