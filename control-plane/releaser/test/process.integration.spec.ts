import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activationResponse, signRelease, type SignedRelease } from '@strongroom/tests-fixtures';
import type { DsseEnvelope } from '@strongroom/attestation-encoding';
import { releaserRole } from '@strongroom/control-plane-postgres';
import { Client } from 'pg';
import { loadConfig } from '../src/process/config.js';
import { startReleaser, type RunningReleaser } from '../src/start.js';
import { install, type Installation } from './support/releaser-installation.js';
import { ReleaserProcess } from './support/releaser-process.js';
import { SocketClient } from './support/socket-client.js';

let installation: Installation;
let client: SocketClient;
let binding: DsseEnvelope;

beforeAll(async () => {
  installation = await install({ now: () => new Date() });
  client = new SocketClient(installation.socket);
}, 30_000);
afterAll(async () => {
  await installation.remove();
});

async function enrol(): Promise<DsseEnvelope> {
  const { world } = installation;
  const begun = await client.call('enrol-begin', { registration: world.signRegistration() as never, endorsement: world.node.endorsement, mtls_key_digest: world.mtlsKeyDigest, csr_digest: world.csrDigest });
  const message = { tenant: world.tenant, node: world.nodeId, ak_name: world.node.akName, csr_digest: world.csrDigest, mtls_key_digest: world.mtlsKeyDigest };
  return (await client.call('enrol-complete', { enrolment: begun.enrolment, response: activationResponse(world.node.open(begun.challenge), message) })).binding;
}

async function sign(label: string): Promise<SignedRelease> {
  const { nonce } = await client.call('challenge', { node: installation.world.nodeId, purpose: 'release' });
  return signRelease(installation.world, { nonce, binding, label });
}

async function stored(release: SignedRelease): Promise<{ state: string | undefined; debits: number }> {
  const database = new Client({ ...installation.database.connectionFor(releaserRole) });
  await database.connect();
  const releases = await database.query<{ state: string }>('SELECT state FROM release WHERE release_id = $1', [release.body.release_id]);
  const debits = await database.query('SELECT FROM ledger WHERE release_id = $1', [release.body.release_id]);
  await database.end();
  return { state: releases.rows[0]?.state, debits: debits.rowCount ?? 0 };
}

describe('the program', () => {
  it('says when it is ready, answers on a socket of mode 0600, and stops when asked', async () => {
    const releaser = ReleaserProcess.start(installation.configFile);
    expect(await releaser.ready).toEqual({ ready: true, socket: installation.socket, profile: 'development' });
    expect((await stat(installation.socket)).mode & 0o777).toBe(0o600);
    const { world } = installation;
    expect(await client.call('status', {})).toEqual({ tenant: 'acme', profile: 'development', policy_digest: world.engine.policyDigest, anchors_digest: world.anchors.digest });
    binding = await enrol();
    expect(releaser.log).toContain('development key store');
    expect(await releaser.stop()).toMatchObject({ code: 0, signal: null });
    await expect(stat(installation.socket)).rejects.toMatchObject({ code: 'ENOENT' });
  }, 30_000);

  it('opens no debugger on SIGUSR1', async () => {
    const releaser = ReleaserProcess.start(installation.configFile);
    await releaser.ready;
    releaser.send('SIGUSR1');
    expect(await client.codeOf('status', {})).toBe('answered');
    const { stderr } = await releaser.stop();
    expect(stderr).toContain('SIGUSR1 ignored');
    expect(stderr).not.toContain('Debugger');
  }, 30_000);

  it('refuses a second one on the same socket, and takes over the socket of a dead one', async () => {
    const first = ReleaserProcess.start(installation.configFile);
    await first.ready;
    expect(await ReleaserProcess.start(installation.configFile).ended).toMatchObject({ code: 1, stderr: expect.stringContaining('another program answers') as unknown });
    expect(await client.codeOf('status', {})).toBe('answered');
    await first.stop('SIGKILL');
    expect((await stat(installation.socket)).isSocket()).toBe(true);
    const next = ReleaserProcess.start(installation.configFile);
    await next.ready;
    expect(await client.codeOf('status', {})).toBe('answered');
    await next.stop();
  }, 30_000);

  it.each([
    ['with an inspector', { node: ['--inspect=127.0.0.1:0'] }, /inspector|opens or dumps/],
    ['with an inspector by NODE_OPTIONS', { environment: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } }, /NODE_OPTIONS/],
    ['with code injected by NODE_OPTIONS', { environment: { NODE_OPTIONS: '--require=node:fs' } }, /NODE_OPTIONS/],
    ['with a heap snapshot signal', { node: ['--heapsnapshot-signal=SIGUSR2'] }, /opens or dumps/],
    ['without a configuration', { arguments: [] }, /usage/],
  ] as const)('does not start %s', async (_, options, reason) => {
    const { code, stderr } = await ReleaserProcess.start(installation.configFile, options).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(reason);
  }, 30_000);

  it('names every fault at once and nothing secret', async () => {
    await installation.writeConfig((config) => ({
      ...config,
      anchors: { ...(config['anchors'] as object), digest: `sha256:${'00'.repeat(32)}` },
      policy: { revision: 2, digest: `sha256:${'00'.repeat(32)}` },
      signing_key_file: 'password',
      key_service: { adapter: 'development', folder: 'nowhere' },
    }));
    const { code, stderr } = await ReleaserProcess.start(installation.configFile).ended;
    await installation.writeConfig();
    expect(code).toBe(1);
    for (const at of ['anchors:', 'policy:', 'signing_key_file:', 'key_service:']) expect(stderr).toContain(at);
    expect(stderr).not.toContain((await readFile(`${installation.folder}/password`, 'utf8')).trim());
  }, 30_000);

  it.each<[string, () => Promise<() => Promise<void>>, RegExp]>([
    ['a genesis that was not pinned', () => changed((config) => ({ ...config, genesis: { ...(config['genesis'] as object), digest: `sha256:${'00'.repeat(32)}` } })), /genesis-mismatch/],
    ['a policy of another revision than pinned', () => changed((config) => ({ ...config, policy: { ...(config['policy'] as object), revision: 2 } })), /not the one pinned/],
    ['the production profile on development anchors', () => changed((config) => ({ ...config, profile: 'production' })), /development profile only/],
    ['an unknown member', () => changed((config) => ({ ...config, skip_checks: true })), /config-invalid/],
    ['a signing key that others can read', () => mode('state/signing-key.pem', 0o640), /signing_key_file: can be reached/],
    ['a key store that others can read', () => mode('state/keys', 0o755), /key_service: key store folder can be reached/],
    ['a key file that others can read', () => mode('state/keys/vault+kek-1.x25519', 0o644), /key_service: key file can be reached/],
    ['a state folder that others can read', () => mode('state', 0o755), /state_folder: can be reached/],
    ['a password file that others can read', () => mode('password', 0o644), /password_file: can be reached/],
    ['a key that is not the anchors\' releaser', () => contents('state/signing-key.pem', installation.world.keys.stranger.export({ format: 'pem', type: 'pkcs8' })), /not the releaser key/],
    ['a key store that holds other keys', () => contents('state/keys/vault+kek-1.x25519', Buffer.alloc(32, 9)), /does not hold the anchors' key of vault/],
    ['anchors that were altered', () => contents('anchors.json', JSON.stringify(installation.world.genesis.envelope)), /anchors:/],
  ])('does not start with %s', async (_, change, reason) => {
    const undo = await change();
    const refusal = await start().then(
      async (releaser) => {
        await releaser.close();
        return 'started';
      },
      (error: unknown) => String((error as { code?: unknown }).code) + String((error as Error).message),
    );
    await undo();
    expect(refusal).toMatch(reason);
  });

  async function start(): Promise<RunningReleaser> {
    return startReleaser(await loadConfig(installation.configFile), { now: () => new Date(), log: () => undefined, reach: () => undefined });
  }

  async function changed(change: Parameters<Installation['writeConfig']>[0]): Promise<() => Promise<void>> {
    await installation.writeConfig(change);
    return () => installation.writeConfig();
  }

  async function mode(path: string, bits: number): Promise<() => Promise<void>> {
    const file = `${installation.folder}/${path}`;
    const before = (await stat(file)).mode & 0o777;
    await chmod(file, bits);
    return () => chmod(file, before);
  }

  async function contents(path: string, bytes: string | Uint8Array): Promise<() => Promise<void>> {
    const file = `${installation.folder}/${path}`;
    const before = await readFile(file);
    await writeFile(file, bytes);
    return () => writeFile(file, before);
  }

  it('does not take over something on its socket path that answers', async () => {
    const squatter = createServer().listen(installation.socket);
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { code } = await ReleaserProcess.start(installation.configFile).ended;
    expect(code).toBe(1);
    await new Promise((resolve) => squatter.close(resolve));
  }, 30_000);
});

describe('a release cut off by a crash', () => {
  it.each([
    ['before-unwrapping', undefined, 0],
    ['after-unwrapping', 'unwrapping', 1],
    ['after-unwrap', 'unwrapping', 1],
    ['before-answer', 'answered', 1],
  ] as const)('%s is served by a retry after the restart, and debited once', async (point, state, debits) => {
    const first = ReleaserProcess.start(installation.configFile, { environment: { STRONGROOM_CRASH_AT: point } });
    await first.ready;
    const release = await sign(point);
    await expect(client.call('release', release.body)).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) as unknown });
    const answeredBy = Date.now();
    expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(await stored(release)).toEqual({ state, debits });
    const second = ReleaserProcess.start(installation.configFile);
    await second.ready;
    // Another release under the same id is no retry, crash or not.
    const { nonce } = await client.call('challenge', { node: installation.world.nodeId, purpose: 'release' });
    const other = await signRelease(installation.world, { nonce, binding, label: point });
    if (debits > 0) expect(await client.codeOf('release', other.body)).toBe('release-conflict');
    // Once answered, a retry is bounded by the first lease, which a slow machine may have slept through.
    const code = await client.codeOf('release', release.body);
    const mayBeLate = point === 'before-answer' && Date.now() - answeredBy > 4_000;
    expect(mayBeLate ? ['answered', 'release-not-active'] : ['answered']).toContain(code);
    expect(await stored(release)).toEqual({ state: 'answered', debits: 1 });
    await second.stop();
  }, 60_000);

  it('leaves no way to the key without the log entry: what was never committed is checked whole', async () => {
    const first = ReleaserProcess.start(installation.configFile, { environment: { STRONGROOM_CRASH_AT: 'before-unwrapping' } });
    await first.ready;
    const release = await sign('no entry');
    await expect(client.call('release', release.body)).rejects.toThrow();
    await first.ended;
    const second = ReleaserProcess.start(installation.configFile);
    await second.ready;
    const without = { ...release.body, material: { ...release.body.material, release_entry: release.body.material.manifest_entry } };
    expect(await client.codeOf('release', without)).toBe('release-not-logged');
    expect(await stored(release)).toEqual({ state: undefined, debits: 0 });
    await second.stop();
  }, 60_000);
});
