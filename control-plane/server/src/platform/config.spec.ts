import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineConfig, loadConfig, parseConfig } from './config.js';
import { StrongroomError } from './errors.js';
import { databaseConfig, listenersConfig, platformSections, testingConfig } from './platform.config.js';

const trust = { anchorsFile: 'a', anchorsDigest: `sha256:${'0'.repeat(64)}`, genesisFile: 'g', genesisDigest: `sha256:${'1'.repeat(64)}` };
const parse = (file: unknown, env: Record<string, string> = {}) => parseConfig(platformSections, file, env);
function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof StrongroomError && error.code === 'config-invalid') return error.faults.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  it('fills in defaults and freezes the result, all the way down', () => {
    const listeners = parse({ trust }).get(listenersConfig);
    expect(listeners).toMatchObject({ address: '127.0.0.1', peoplePort: 7080, agentsPort: 7443, approvalHosts: ['approve.localhost'] });
    expect(() => (listeners.peopleHosts).push('evil.example')).toThrow(TypeError);
  });

  it('reports every fault together', () => {
    const faults = faultsOf(() => parse({ profile: 'staging', listeners: { peoplePort: 99_999, peeplePort: 1 }, identity: { domain: 'NOT A NAME' }, colours: {} }));
    expect(faults.sort()).toEqual(['/colours', '/identity/domain', '/listeners', '/listeners/peoplePort', '/profile', '/trust/anchorsDigest', '/trust/anchorsFile', '/trust/genesisDigest', '/trust/genesisFile'].sort());
  });

  it.each([undefined, null, 7, 'x', []])('refuses %p for a configuration', (file) => {
    expect(faultsOf(() => parse(file))).toContain('');
  });

  it('refuses a section that is not an object', () => {
    expect(faultsOf(() => parse({ trust, listeners: [] }))).toEqual(['/listeners']);
  });

  it('lets the environment move both ports, and refuses one that is none', () => {
    expect(parse({ trust, listeners: { peoplePort: 1 } }, { STRONGROOM_PORT: '9000' }).get(listenersConfig)).toMatchObject({ peoplePort: 9000, agentsPort: 9001 });
    for (const moved of ['', 'x', '70000', '-1', '1.5']) expect(faultsOf(() => parse({ trust }, { STRONGROOM_PORT: moved }))).toContain('/listeners/peoplePort');
  });

  it('refuses in production what only tests and development may have', () => {
    const production = { profile: 'production', trust };
    expect(faultsOf(() => parse(production))).toEqual(['/database']);
    expect(parse(production, { DATABASE_URL: 'postgresql://db/x' }).get(databaseConfig).url).toBe('postgresql://db/x');
    expect(faultsOf(() => parse(production, { DATABASE_URL: 'postgresql://db/x', STRONGROOM_CRASH_AT: 'after-tiles' }))).toEqual(['/testing']);
    expect(parse({ trust }, { STRONGROOM_CRASH_AT: 'after-tiles:2' }).get(testingConfig).crashAt).toBe('after-tiles:2');
  });

  it('refuses approval passkeys a host they would share', () => {
    expect(faultsOf(() => parse({ trust, listeners: { peopleHosts: ['localhost'], approvalHosts: ['localhost'] } }))).toEqual(['/listeners']);
  });

  it('does not hand out a section that was not loaded', () => {
    const other = defineConfig('other', z.strictObject({}));
    expect(() => parse({ trust }).get(other)).toThrow(/not loaded/);
  });

  it('says which file it could not read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-config-'));
    writeFileSync(join(folder, 'bad.json'), '{');
    for (const name of ['bad.json', 'absent.json']) expect(() => loadConfig(platformSections, join(folder, name), {})).toThrow(name);
    rmSync(folder, { recursive: true });
  });
});
