import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { probeTpm } from './evidence-source.js';
import type { EvidenceSource, ProbeOptions } from './evidence-source.js';
import { openEvidenceCollector } from './open-collector.js';
import { startSwtpm } from './swtpm/start.js';
import { prepareSwtpm } from './swtpm/prepare.js';
import { describeWithSwtpm } from './testing/swtpm.js';
import { TpmWriter } from './tpm/bytes.js';
import type { DeviceTransportOptions } from './tpm/device-transport.js';

const ALL: readonly EvidenceSource[] = ['hardware', 'swtpm', 'software'];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-probe-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A machine without TPM and tools, unless a test says otherwise. */
const machine = (overrides: Partial<ProbeOptions> = {}): ProbeOptions => ({
  stateFile: join(folder, 'state', 'evidence-source.json'),
  allowed: ALL,
  env: { PATH: join(folder, 'bin') },
  device: { path: join(folder, 'no-such-device') },
  scratchFolder: folder,
  ...overrides,
});

/** Programs of these names on the PATH that do what the script says. */
async function install(tools: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(folder, 'bin'), { recursive: true });
  for (const [name, script] of Object.entries(tools)) {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'bin', name), 0o755);
  }
}

async function store(text: string): Promise<void> {
  await mkdir(join(folder, 'state'), { recursive: true });
  await writeFile(machine().stateFile, text);
}

/** A TPM device that answers TPM2_GetCapability alone: family and the NV indices it has. */
function tpmDevice(options: { readonly family?: number; readonly nvIndices?: readonly number[] } = {}): DeviceTransportOptions {
  let pending: Buffer = Buffer.alloc(0);
  const answer = (command: Buffer): Uint8Array => {
    const capability = command.readUInt32BE(10);
    const body = new TpmWriter().u8(0).u32(capability);
    if (capability === 6) body.u32(1).u32(0x100).u32(options.family ?? 0x322e3000);
    else {
      const indices = options.nvIndices ?? [0x01c00002];
      body.u32(indices.length);
      for (const index of indices) body.u32(index);
    }
    const bytes = body.finish();
    return new TpmWriter().u16(0x8001).u32(bytes.length + 10).u32(0).bytes(bytes).finish();
  };
  return {
    openDevice: () =>
      Promise.resolve({
        write: (bytes) => ((pending = Buffer.from(answer(Buffer.from(bytes)))), Promise.resolve({ bytesWritten: bytes.length })),
        read: (into) => (into.set(pending), Promise.resolve({ bytesRead: pending.length })),
        close: () => Promise.resolve(),
      }),
  };
}

describe('probeTpm, the first time', () => {
  it('takes a hardware TPM with an endorsement certificate', async () => {
    expect(await probeTpm(machine({ device: tpmDevice() }))).toEqual({ source: 'hardware', chosenNow: true, passedOver: [] });
  });

  it.each([
    ['has no endorsement certificate', tpmDevice({ nvIndices: [] }), 'no endorsement certificate'],
    ['has one only where we cannot use it', tpmDevice({ nvIndices: [0x01c00099] }), 'no endorsement certificate'],
    ['is a TPM 1.2', tpmDevice({ family: 0x312e3200 }), 'no TPM 2.0'],
    ['is missing', {}, 'cannot be opened'],
  ])('passes over a device that %s, and says so', async (_name, device, reason) => {
    const probed = await probeTpm(machine({ device: { path: join(folder, 'no-such-device'), ...device }, allowed: ['hardware', 'software'] }));
    expect(probed).toMatchObject({ source: 'software', passedOver: [{ source: 'hardware', reason: expect.stringContaining(reason) }] });
  });

  it('passes over swtpm that is not installed', async () => {
    const { source, passedOver } = await probeTpm(machine());
    expect(source).toBe('software');
    expect(passedOver[1]).toMatchObject({ source: 'swtpm', reason: expect.stringContaining('apt-get install swtpm') });
  });

  it.each<[string, Record<string, string>, string]>([
    ['swtpm_setup fails', { swtpm: 'exit 0', swtpm_localca: 'exit 0', swtpm_setup: 'echo no certtool >&2; exit 1' }, 'no certtool'],
    ['swtpm_setup leaves nothing', { swtpm: 'exit 0', swtpm_localca: 'exit 0', swtpm_setup: 'exit 0' }, 'left no TPM state'],
    ['a tool is missing', { swtpm: 'exit 0', swtpm_setup: 'exit 0' }, 'swtpm_localca is not on PATH'],
  ])('passes over swtpm when %s, and leaves no scratch behind', async (_name, tools, reason) => {
    await install(tools);
    const { source, passedOver } = await probeTpm(machine());
    expect(source).toBe('software');
    expect(passedOver[1]?.reason).toContain(reason);
    expect((await readdir(folder)).sort()).toEqual(['bin', 'state']);
  });

  it('refuses when nothing that is allowed works, and stores nothing', async () => {
    await expect(probeTpm(machine({ allowed: ['hardware'] }))).rejects.toMatchObject({ code: 'evidence-source-unavailable' });
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([[[]], [['tpm']], [undefined]])('refuses to choose among %j', async (allowed) => {
    await expect(probeTpm(machine({ allowed: allowed as unknown as readonly EvidenceSource[] }))).rejects.toMatchObject({ code: 'evidence-source-invalid' });
  });

  it('chooses once when two programs start at the same time', async () => {
    const probed = await Promise.all([probeTpm(machine()), probeTpm(machine({ device: tpmDevice() })), probeTpm(machine())].map((pending) => pending.catch((error: unknown) => error)));
    const stored = (JSON.parse(await readFile(machine().stateFile, 'utf8')) as { source: string }).source;
    const sources = probed.filter((result) => !(result instanceof Error)).map((result) => (result as { source: string }).source);
    expect(new Set(sources)).toEqual(new Set([stored]));
  });
});

describe('probeTpm, afterwards', () => {
  it('keeps to software though a TPM appeared', async () => {
    await probeTpm(machine());
    expect(await probeTpm(machine({ device: tpmDevice() }))).toEqual({ source: 'software', chosenNow: false, passedOver: [] });
  });

  it('keeps to hardware, and refuses when it is gone', async () => {
    await probeTpm(machine({ device: tpmDevice() }));
    expect(await probeTpm(machine({ device: tpmDevice() }))).toMatchObject({ source: 'hardware', chosenNow: false });
    await expect(probeTpm(machine())).rejects.toMatchObject({ code: 'evidence-source-unavailable', message: expect.stringContaining('to enrol anew') });
    await expect(probeTpm(machine({ device: tpmDevice({ nvIndices: [] }) }))).rejects.toMatchObject({ code: 'evidence-source-unavailable' });
  });

  it('refuses when swtpm was uninstalled, and says how to get it back', async () => {
    await store('{"v":1,"source":"swtpm"}');
    await expect(probeTpm(machine())).rejects.toMatchObject({ code: 'evidence-source-unavailable', message: expect.stringContaining('apt-get install swtpm') });
  });

  it('refuses a choice that the profile no longer allows', async () => {
    await probeTpm(machine());
    await expect(probeTpm(machine({ allowed: ['hardware'], device: tpmDevice() }))).rejects.toMatchObject({ code: 'evidence-source-unavailable' });
  });

  it.each([[''], ['{'], ['null'], ['[]'], ['"software"'], ['{"source":"software"}'], ['{"v":2,"source":"software"}'], ['{"v":1,"source":"tpm"}'], ['{"v":1}'], [`{"v":1,"source":"software","x":"${'x'.repeat(300)}"}`]])(
    'refuses a file that holds %s, and leaves it',
    async (text) => {
      await store(text);
      await expect(probeTpm(machine())).rejects.toMatchObject({ code: 'evidence-source-invalid' });
      expect(await readFile(machine().stateFile, 'utf8')).toBe(text);
    },
  );

  it('does not take an unreadable file for a missing one', async () => {
    await mkdir(machine().stateFile, { recursive: true });
    await expect(probeTpm(machine())).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

describe('openEvidenceCollector', () => {
  it('opens the software collector where there is nothing better', async () => {
    const opened = await openEvidenceCollector({ ...machine(), stateFolder: join(folder, 'node') });
    expect(opened).toMatchObject({ source: 'software', chosenNow: true, collector: { kind: 'software' } });
    expect(opened.developmentRoot).toBeUndefined();
    await opened.collector.close();
  });
});

describeWithSwtpm('with a real swtpm', () => {
  const real = (): ProbeOptions => machine({ env: process.env });

  it('chooses it, and opens the same node each time', async () => {
    const identities: unknown[] = [];
    for (const chosenNow of [true, false]) {
      const opened = await openEvidenceCollector({ ...real(), stateFolder: join(folder, 'node') });
      expect(opened).toMatchObject({ source: 'swtpm', chosenNow, collector: { kind: 'tpm2' } });
      const identity = await opened.collector.identity();
      expect(identity.ek?.chain.at(-1)).toBe(Buffer.from(opened.developmentRoot ?? []).toString('base64url'));
      identities.push(identity);
      await opened.collector.close();
    }
    expect(identities[0]).toEqual(identities[1]);
  }, 60_000);

  it('leaves an existing TPM state alone, keeps no authority key, and refuses what is not a state', async () => {
    const stateFolder = join(folder, 'state');
    await mkdir(stateFolder);
    const [one, two] = [await prepareSwtpm({ stateFolder, env: process.env }), await prepareSwtpm({ stateFolder, env: process.env })];
    expect([one.created, two.created]).toEqual([true, false]);
    expect(two.root).toEqual(one.root);
    expect((await readdir(join(stateFolder, 'ca'))).sort()).toEqual(['issuercert.pem', 'swtpm-localca-rootca-cert.pem']);
    expect((await readdir(folder)).sort()).toEqual(['state']);
    await rm(join(stateFolder, 'tpm', 'tpm2-00.permall'));
    await expect(prepareSwtpm({ stateFolder, env: process.env })).rejects.toMatchObject({ code: 'swtpm-state-incomplete' });
    await expect(prepareSwtpm({ stateFolder: join(folder, 'a,b'), env: process.env })).rejects.toMatchObject({ code: 'swtpm-unavailable' });
  }, 60_000);

  it('prepares one TPM when two programs start at the same time, in a folder with a long name and a space', async () => {
    const stateFolder = join(folder, `a folder ${'x'.repeat(140)}`);
    const [one, two] = await Promise.all([prepareSwtpm({ stateFolder, env: process.env }), prepareSwtpm({ stateFolder, env: process.env })]);
    expect(one.root).toEqual(two.root);
    expect([one.created, two.created].sort()).toEqual([false, true]);
    const running = await startSwtpm({ stateFolder, env: process.env });
    await expect(startSwtpm({ stateFolder, env: process.env, timeoutMs: 3000 })).rejects.toMatchObject({ code: 'swtpm-unavailable' });
    await running.stop();
    await running.stop();
    expect(() => process.kill(running.pid, 0)).toThrow('ESRCH');
  }, 60_000);

  it('says what is wrong when swtpm does not start', async () => {
    await install({ swtpm: 'echo broken >&2; exit 3' });
    await expect(startSwtpm({ stateFolder: folder, env: { PATH: join(folder, 'bin') } })).rejects.toMatchObject({ code: 'swtpm-unavailable', message: expect.stringContaining('broken') });
  });

  it('gives up on a swtpm that says nothing, and ends it', async () => {
    await install({ swtpm: `echo $$ > ${join(folder, 'pid')}; exec sleep 60` });
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
    await expect(startSwtpm({ stateFolder: folder, env, timeoutMs: 200 })).rejects.toMatchObject({ code: 'swtpm-unavailable' });
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 15_000);
});
