import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditedWorld, exportFiles, type AuditedWorld } from './support/audited-world.js';
import { fakePlatform } from './support/fake-platform.js';
import type { FakeServer } from './support/fake-server.js';
import { writeFiles } from './support/sealed-log.js';
import { run } from './support/test-io.js';

let audited: AuditedWorld;
let server: FakeServer;
let home: string;
const at = (name: string) => join(home, name);
const cli = (args: readonly string[]) => run(args, { env: { STRONGROOM_HOME: home, STRONGROOM_SERVER: server.url } });
const trust = () => ['--anchors', at('anchors.json'), '--anchors-digest', audited.world.anchors.digest];

beforeAll(async () => {
  audited = await auditedWorld({ padding: 280 });
  server = await fakePlatform(audited);
  home = await mkdtemp(join(tmpdir(), 'strongroom-cli-'));
  await writeFiles(home, [['anchors.json', JSON.stringify(audited.world.anchors.envelope)]]);
  await writeFiles(at('export'), exportFiles(audited));
});
afterAll(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

describe('audit proof', () => {
  it.each([['the server', []], ['an export', ['--export', 'export']]])('from %s verifies offline', async (name, source) => {
    const [proof, entry] = [at(`${name}.tlog-proof`), at(`${name}.json`)];
    const made = await cli(['audit', 'proof', '270', '--out', proof, '--entry', entry, ...source.map((part) => (part === 'export' ? at(part) : part))]);
    expect(made).toMatchObject({ code: 0 });
    expect(await readFile(entry)).toEqual(Buffer.from(audited.log.entries[270] ?? []));
    const verified = await cli(['audit', 'verify-proof', proof, '--entry', entry, ...trust(), '--json']);
    expect(verified).toMatchObject({ code: 0, json: { ok: true, index: '270', event: 'sign-in' } });
  });

  it('is refused for another entry, by another key, when malformed, and without a pin', async () => {
    const proof = at('p.tlog-proof');
    await cli(['audit', 'proof', '5', '--out', proof, '--entry', at('p.json')]);
    await writeFile(at('other.json'), audited.log.entries[6] ?? '');
    expect((await cli(['audit', 'verify-proof', proof, '--entry', at('other.json'), ...trust()])).err).toContain('inclusion-invalid');
    const files = audited.log.files(audited.log.entries, audited.world.keys.stranger);
    const other = await fakePlatform(audited, files);
    await run(['audit', 'proof', '5', '--out', at('q.tlog-proof'), '--server', other.url], { env: { STRONGROOM_HOME: home } });
    await other.close();
    expect((await cli(['audit', 'verify-proof', at('q.tlog-proof'), '--entry', at('p.json'), ...trust()])).err).toContain('note-unverified');
    expect((await cli(['audit', 'verify-proof', at('p.json'), '--entry', at('p.json'), ...trust()])).err).toContain('proof-malformed');
    expect((await cli(['audit', 'verify-proof', proof, '--entry', at('p.json'), '--anchors', at('anchors.json')])).code).toBe(2);
  });

  it('is made for entries the log has, and written over nothing', async () => {
    expect((await cli(['audit', 'proof', '100000', '--out', at('x')])).code).toBe(2);
    expect((await cli(['audit', 'proof', '-1', '--out', at('x')])).code).toBe(2);
    expect((await cli(['audit', 'proof', '5', '--out', at('anchors.json')])).err).toContain('file-exists');
  });
});
