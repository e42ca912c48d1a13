import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { weightVault } from '@strongroom/infra-enclave';
import { Cli, type Io } from '../src/cli.js';
import { parseServerUrl } from '../src/http/server-url.js';
import { buildProgram } from '../src/program.js';
import { table } from '../src/terminal/table.js';
import { safeJson, shown } from '../src/terminal/text.js';
import { run } from './support/test-io.js';

const io: Io = { env: {}, out: () => undefined, err: () => undefined, now: () => new Date(0), random: (n) => new Uint8Array(n), confirm: async () => false };

function commands(command = buildProgram(new Cli(io)), path: readonly string[] = []): { path: readonly string[]; help: string }[] {
  return [{ path, help: command.helpInformation() }, ...command.commands.flatMap((child) => commands(child, [...path, child.name()]))];
}

describe('strongroom', () => {
  it('has help and --json on every command that does something', () => {
    for (const { path, help } of commands()) {
      if (help.includes('\nCommands:')) continue;
      expect({ path, json: help.includes('--json') }).toEqual({ path, json: true });
    }
    expect(commands().length).toBeGreaterThan(30);
  });

  it.each([[[]], [['nothing']], [['audit']], [['audit', 'verify']], [['audit', 'verify', 'a', 'b']], [['login']], [['approve', 'x']], [['request', 'show', '--nothing']], [['node', 'suspend', 'x']]])('answers 2 to %j', async (args) => {
    const ran = await run(args);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).not.toBe('');
  });

  it('answers 0 to --help', async () => {
    const ran = await run(['approve', '--help']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('hardware keys come with the console');
  });

  it('shows an enclave, or all that is wrong with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'strongroom-cli-'));
    try {
      await writeFile(join(folder, 'good.json'), JSON.stringify(goodEnclave()));
      const good = await run(['enclave', 'show', join(folder, 'good.json')]);
      expect(good).toMatchObject({ code: 0, err: '' });
      expect(good.out).toContain('aims at');
      const signed = { payloadType: 'x', payload: Buffer.from(JSON.stringify({ enclave: goodEnclave() })).toString('base64url'), signatures: [] };
      await writeFile(join(folder, 'signed.json'), JSON.stringify(signed));
      expect((await run(['enclave', 'show', join(folder, 'signed.json')])).out).toBe(good.out);
      await writeFile(join(folder, 'bad.json'), '{"id":"Vault","zones":[]}');
      const bad = await run(['enclave', 'show', join(folder, 'bad.json')]);
      expect(bad.code).toBe(1);
      expect(bad.err).toContain('enclave-invalid');
      expect(bad.err).toContain('/id');
      expect(bad.err).toContain('/tenant');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('loads nothing heavy for help: neither schemas nor the contract', () => {
    // The built program where there is one; the point is which modules are reached statically.
    const reached = spawnSync(process.execPath, ['-e', `
      const { readFileSync } = require('node:fs'); const { join, dirname } = require('node:path');
      const seen = new Set(); const outside = new Set();
      (function walk(file) { if (seen.has(file)) return; seen.add(file);
        for (const [, type, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)( type)?[^;]*? from '([^']+)';/gm)) {
          if (type) continue; if (from.startsWith('.')) walk(join(dirname(file), from.replace(/\\.js$/, '.ts'))); else outside.add(from); }
      })(process.argv[1]); console.log([...outside].sort().join());`, join(import.meta.dirname, '../src/run-cli.ts')], { encoding: 'utf8' });
    expect(reached.stdout.trim()).toBe('commander');
  });
});

describe('text from elsewhere', () => {
  it.each([
    ['\u001b[2J', '\\u{1b}[2J'],
    ['a\u0000b\u007fc\u009bd', 'a\\u{0}b\\u{7f}c\\u{9b}d'],
    ['\u202egnp\u2066', '\\u{202e}gnp\\u{2066}'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['two\nlines\r\t', 'two\\u{a}lines\\u{d}\\u{9}'],
    ['\ud800', '\\u{d800}'],
    ['tag \u{e0041}', 'tag \\u{e0041}'],
    ['Größe 模型 ✓', 'Größe 模型 ✓'],
  ])('%j is shown as %j', (text, expected) => {
    expect(shown(text)).toBe(expected);
    expect(table(['X'], [[text]]).split('\n')).toEqual(['X', expected]);
  });

  it('stays the same value in JSON, and loses its effect', () => {
    const value = { text: `\u001b\u009b\u202e\u200b${String.fromCharCode(0xd800)}\u{e0041}\u007f`, size: 12n };
    expect(JSON.parse(safeJson(value))).toEqual({ text: value.text, size: '12' });
    expect(safeJson(value)).toMatch(/^[\n -~]*$/);
  });
});

describe('server addresses', () => {
  it.each(['ftp://a', 'http://user:pass@a', 'http://a/path', 'http://a/?q', 'a', ''])('refuses %j', (text) => {
    expect(() => parseServerUrl(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('docs/cli.md', () => {
  it('shows the help as it is', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
    const blocks = [...page.matchAll(/<!-- help: (.*?) -->\n```text\n([\s\S]*?)\n```/g)];
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    for (const [, name = '', block] of blocks) {
      const { out } = await run([...name.split(' ').slice(1), '--help']);
      expect({ name, block }).toEqual({ name, block: out.trim() });
    }
  });
});

function goodEnclave() {
  return weightVault({
    id: 'vault',
    tenant: 'acme',
    version: 1,
    profile: 'development',
    environments: [{ name: 'node-2026-11', kind: 'software', bank: 'sha256', pcrs: { '0': 'aa'.repeat(32) }, expires_at: '2027-01-01T00:00:00Z' }],
    release: { window_seconds: 86_400, relative_cap: { numerator: 1, denominator: 1 }, absolute_cap_bytes: 1_000_000 },
    keyService: 'development',
  });
}
