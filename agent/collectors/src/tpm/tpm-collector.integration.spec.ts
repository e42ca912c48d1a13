import { createHash, X509Certificate, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Tpm2Evidence } from '@strongroom/attestation-model';
import { prepareSwtpm } from '../swtpm/prepare.js';
import type { SwtpmState } from '../swtpm/prepare.js';
import { startSwtpm } from '../swtpm/start.js';
import type { SwtpmServer } from '../swtpm/start.js';
import { collectorKeepsItsPromises } from '../testing/collector-suite.js';
import { makeCredential } from '../testing/make-credential.js';
import { describeWithSwtpm } from '../testing/swtpm.js';
import { ATTESTATION_KEY_HANDLE } from './attestation-key.js';
import { TpmWriter } from './bytes.js';
import { handlesBetween } from './capability.js';
import { passwordAuthorization, Tpm } from './command.js';
import { TPM_RH } from './constants.js';
import { evictControl, readPublic, withPrimaryKey } from './keys.js';
import { ENDORSEMENT_KEY_PROFILES } from './key-templates.js';
import { NvCounter } from './nv.js';
import { extendPcr, pcrDigest, readPcrs } from './pcr.js';
import { parsePublicArea, publicKeyOf } from './public-area.js';
import { quote, readQuote } from './quote.js';
import { getRandom } from './random.js';
import { openTpmCollector } from './tpm-collector.js';
import type { TpmCollectorOptions } from './tpm-collector.js';
import type { TpmTransport } from './transport.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');

/** Checks a quote the way a verifier must, with node:crypto alone, and reads it with offsets of its own. */
function verifiedQuote(evidence: Tpm2Evidence): { attest: Buffer; binding: Uint8Array; sha256: Readonly<Record<string, string>> } {
  const [attest, signature] = [bytes(evidence.attest), bytes(evidence.signature)];
  const r = signature.subarray(6, 6 + signature.readUInt16BE(4));
  const s = signature.subarray(8 + r.length);
  const pad = (part: Buffer): Buffer => Buffer.concat([Buffer.alloc(32 - part.length), part]);
  const key = { key: publicKeyOf(parsePublicArea(bytes(evidence.ak_public))), dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', attest, key, Buffer.concat([pad(r), pad(s)]))) throw new Error('the signature does not verify');
  const signed = createHash('sha256');
  const sha256 = evidence.pcrs[0]?.values ?? {};
  for (const index of Object.keys(sha256)) signed.update(Buffer.from(sha256[index] ?? '', 'hex'));
  if (!attest.subarray(-32).equals(signed.digest())) throw new Error('the quote is over other values');
  const nameBytes = attest.readUInt16BE(6);
  const binding = new Uint8Array(attest.subarray(10 + nameBytes, 42 + nameBytes));
  return { attest, binding, sha256 };
}

describeWithSwtpm('a TPM spoken to directly (swtpm)', () => {
  let folder: string;
  let state: SwtpmState;
  const env = process.env;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-tpm-'));
    state = await prepareSwtpm({ stateFolder: join(folder, 'state'), env });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = async (server?: SwtpmServer): Promise<TpmTransport> =>
    (await startSwtpm({ stateFolder: state.stateFolder, env, ...(server === undefined ? {} : { server }) })).transport;
  const open = async (options?: TpmCollectorOptions) => openTpmCollector(await start(), options);
  const withTpm = async (use: (tpm: Tpm) => Promise<void>, server?: SwtpmServer): Promise<void> => {
    const tpm = new Tpm(await start(server));
    try {
      await use(tpm);
    } finally {
      await tpm.close();
    }
  };

  collectorKeepsItsPromises({
    open: () => open(),
    verified: (evidence) => verifiedQuote(evidence as Tpm2Evidence),
    seal: (identity, secret) => makeCredential(bytes(identity.ek?.public ?? ''), identity.akName, secret),
  });

  it.each([
    ['a Unix socket', (): SwtpmServer => ({ type: 'unixio', path: join(folder, 'tpm.sock') })],
    ['TCP on loopback', (): SwtpmServer => ({ type: 'tcp', port: 20_000 + (process.pid % 20_000) })],
    ['an inherited socket pair', (): SwtpmServer => ({ type: 'inherited' })],
  ])('answers over %s', async (_name, server) =>
    withTpm(async (tpm) => {
      const [one, two] = [await getRandom(tpm, 32), await getRandom(tpm, 32)];
      expect(one.length).toBe(32);
      expect(one).not.toEqual(two);
    }, server()),
  );

  it.each(['rsa2048', 'p384'] as const)('reads the %s endorsement certificate, of the key it derives, and activates with it', async (name) => {
    const collector = await open({ endorsementKey: name, chain: [state.issuer, state.root] });
    try {
      const identity = await collector.identity();
      const certificate = new X509Certificate(bytes(identity.ek?.certificate ?? ''));
      const certified = certificate.publicKey.export({ type: 'spki', format: 'der' });
      expect(publicKeyOf(parsePublicArea(bytes(identity.ek?.public ?? ''))).export({ type: 'spki', format: 'der' })).toEqual(certified);
      expect(identity.hardwareId).toBe(`sha256:${createHash('sha256').update(certified).digest('hex')}`);
      const [issuer, root] = (identity.ek?.chain ?? []).map((der) => new X509Certificate(bytes(der)));
      expect(certificate.verify((issuer as X509Certificate).publicKey)).toBe(true);
      expect(issuer?.verify((root as X509Certificate).publicKey)).toBe(true);
      const secret = new Uint8Array(32).fill(5);
      expect(await collector.activate(makeCredential(bytes(identity.ek?.public ?? ''), identity.akName, secret))).toEqual(secret);
      const another = `000b${'ab'.repeat(32)}`;
      await expect(collector.activate(makeCredential(bytes(identity.ek?.public ?? ''), another, secret))).rejects.toMatchObject({ code: 'credential-refused' });
    } finally {
      await collector.close();
    }
  });

  it('says that a certificate is missing rather than enrol without one', async () => {
    const collector = await open({ endorsementKey: 'p256' });
    await expect(collector.identity()).rejects.toMatchObject({ code: 'ek-certificate-missing' });
    await collector.close();
  });

  it('derives every standard endorsement key', async () =>
    withTpm(async (tpm) => {
      for (const { template } of ENDORSEMENT_KEY_PROFILES) {
        const key = await withPrimaryKey(tpm, { hierarchy: TPM_RH.ENDORSEMENT, hierarchyAuth: new Uint8Array(0), template }, (_handle, area) => Promise.resolve(publicKeyOf(area)));
        expect(key.type).toBe('public');
      }
    }), 30_000);

  it('has a reset count that rises with every start, and is not blinded', async () => {
    const counts: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const collector = await open();
      counts.push(readQuote(bytes(((await collector.collect(new Uint8Array(32))) as Tpm2Evidence).attest)).resetCount);
      await collector.close();
    }
    expect([counts[1], counts[2]]).toEqual([Number(counts[0]) + 1, Number(counts[0]) + 2]);
    expect(counts[0]).toBeLessThan(1000); // the starts of this very test run
  });

  it('leaves no object or session behind over 50 quotes, activations and refusals', async () => {
    const transport = await start();
    const tpm = new Tpm(transport);
    const collector = await openTpmCollector(transport);
    const identity = await collector.identity();
    const good = makeCredential(bytes(identity.ek?.public ?? ''), identity.akName, new Uint8Array(32));
    for (let i = 0; i < 50; i += 1) {
      await collector.collect(new Uint8Array(32).fill(i));
      if (i % 10 === 0) await collector.activate(good);
      if (i % 10 === 5) await expect(collector.activate({ ...good, credentialBlob: good.encryptedSecret })).rejects.toMatchObject({ code: 'credential-refused' });
    }
    expect(await handlesBetween(tpm, 0x80000000, 0x80ffffff)).toEqual([]);
    expect(await handlesBetween(tpm, 0x02000000, 0x02ffffff)).toEqual([]); // HMAC and policy sessions that are loaded
    expect(await handlesBetween(tpm, 0x03000000, 0x03ffffff)).toEqual([]);
    await collector.close();
  }, 30_000);

  it('reads more PCRs than fit one answer, in both banks, and the quote agrees', async () =>
    withTpm(async (tpm) => {
      const indices = Array.from({ length: 24 }, (_unused, index) => 23 - index);
      const banks = await readPcrs(tpm, [{ bank: 'sha384', indices }, { bank: 'sha256', indices }]);
      expect(banks.map(({ values }) => Object.keys(values).length)).toEqual([24, 24]);
      const selection = [{ bank: 'sha384' as const, indices }, { bank: 'sha256' as const, indices }];
      const made = await quote(tpm, ATTESTATION_KEY_HANDLE, new Uint8Array(32), selection);
      expect(readQuote(made.attest).pcrDigest).toEqual(pcrDigest(banks));
    }));

  it('refuses a bank that is not active, when it opens', async () => {
    await expect(open({ selection: [{ bank: 'sha1', indices: [0] }] })).rejects.toMatchObject({ code: 'pcr-unavailable' });
  });

  it('measures into every active bank', async () =>
    withTpm(async (tpm) => {
      await extendPcr(tpm, 15, new Uint8Array(32).fill(1));
      const [sha384] = await readPcrs(tpm, [{ bank: 'sha384', indices: [15] }]);
      const extension = createHash('sha384').update(new Uint8Array(32).fill(1)).digest();
      expect(sha384?.values['15']).toBe(createHash('sha384').update(Buffer.alloc(48)).update(extension).digest('hex'));
    }));

  it('quotes again when somebody else extended a PCR in between, and gives up when that never ends', async () => {
    const transport = await start();
    const other = new Tpm(transport);
    let meddle = 0;
    const meddled: TpmTransport = {
      close: () => transport.close(),
      send: async (command) => {
        const isQuote = Buffer.from(command).readUInt32BE(6) === 0x158;
        if (isQuote && meddle-- > 0) await extendPcr(other, 7, new Uint8Array(32).fill(3));
        return transport.send(command);
      },
    };
    const collector = await openTpmCollector(meddled);
    meddle = 2;
    expect(verifiedQuote((await collector.collect(new Uint8Array(32))) as Tpm2Evidence).sha256['7']).not.toBe('00'.repeat(32));
    meddle = 99;
    await expect(collector.collect(new Uint8Array(32))).rejects.toMatchObject({ code: 'pcr-unstable' });
    await collector.close();
  });

  it('leaves a key that is not ours where it is', async () => {
    const handle = 0x81010055;
    const high = ENDORSEMENT_KEY_PROFILES.find(({ name }) => name === 'p256-high');
    const owner = { hierarchy: TPM_RH.OWNER, auth: new Uint8Array(0) };
    await withTpm(async (tpm) => {
      const primary = { hierarchy: TPM_RH.ENDORSEMENT, hierarchyAuth: new Uint8Array(0), template: high?.template ?? new Uint8Array(0) };
      await withPrimaryKey(tpm, primary, (transient) => evictControl(tpm, owner, transient, handle));
    });
    await expect(open({ attestationKeyHandle: handle })).rejects.toMatchObject({ code: 'ak-handle-occupied' });
    await withTpm(async (tpm) => {
      await readPublic(tpm, handle);
      await evictControl(tpm, owner, handle, handle);
    });
  });

  it('gives the same attestation key again when it was removed', async () => {
    const before = await open();
    const { akName } = await before.identity();
    await before.close();
    const owner = { hierarchy: TPM_RH.OWNER, auth: new Uint8Array(0) };
    await withTpm((tpm) => evictControl(tpm, owner, ATTESTATION_KEY_HANDLE, ATTESTATION_KEY_HANDLE));
    const after = await open();
    expect((await after.identity()).akName).toBe(akName);
    await after.close();
  });

  it('keeps a counter that only goes up, over restarts and a removal', async () => {
    const index = 0x01800123;
    let last = 0n;
    await withTpm(async (tpm) => {
      const counter = new NvCounter(tpm, index);
      await counter.ensureDefined();
      last = await counter.read();
      await counter.ensureDefined();
      expect(await counter.read()).toBe(last);
      await counter.increment();
      expect(await counter.read()).toBe(last + 1n);
    });
    await withTpm(async (tpm) => expect(await new NvCounter(tpm, index).read()).toBe(last + 1n));
    await withTpm(async (tpm) => {
      await expect(new NvCounter(tpm, 0x01800124).read()).rejects.toMatchObject({ code: 'tpm-command-failed', rcName: 'TPM_RC_HANDLE' });
    });
  });

  it('refuses a counter where something else is defined', async () =>
    withTpm(async (tpm) => {
      const index = 0x01800125;
      const ordinary = new TpmWriter().u32(index).u16(0x000b).u32(0x20002).u16(0).u16(8).finish();
      const parameters = new TpmWriter().u16(0).sized(ordinary).finish();
      await tpm.execute({ name: 'NV_DefineSpace', handles: [TPM_RH.OWNER], authorizations: [passwordAuthorization()], parameters });
      await expect(new NvCounter(tpm, index).ensureDefined()).rejects.toMatchObject({ code: 'nv-index-occupied' });
    }));

  it('names what the TPM refuses', async () =>
    withTpm(async (tpm) => {
      await expect(readPublic(tpm, 0x81010099)).rejects.toMatchObject({ command: 'TPM2_ReadPublic', rcName: 'TPM_RC_HANDLE', position: 'handle 1' });
      const certificate = tpm.execute({ name: 'NV_Read', handles: [0x01c00002, 0x01c00002], parameters: new Uint8Array(4) });
      await expect(certificate).rejects.toMatchObject({ rcName: 'TPM_RC_AUTH_MISSING' });
    }));

  it('gives a signature that is bound to the key, the data and the values', async () => {
    const collector = await open();
    const evidence = (await collector.collect(new Uint8Array(32).fill(1))) as Tpm2Evidence;
    await collector.close();
    const attest = bytes(evidence.attest);
    attest[20] = (attest[20] ?? 0) ^ 1;
    expect(() => verifiedQuote({ ...evidence, attest: attest.toString('base64url') })).toThrow('does not verify');
    const pcrs = [{ bank: 'sha256' as const, values: { ...evidence.pcrs[0]?.values, '0': 'ff'.repeat(32) } }];
    expect(() => verifiedQuote({ ...evidence, pcrs })).toThrow('other values');
  });
});
