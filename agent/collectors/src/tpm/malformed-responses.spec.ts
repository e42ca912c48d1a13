import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CollectorError } from '../errors.js';
import { TpmWriter } from './bytes.js';
import { activeBanks, handlesBetween, isTpm2 } from './capability.js';
import { marshalCommand, Tpm, unmarshalResponse } from './command.js';
import { activateCredential } from './credential.js';
import { certifiedKey, readEndorsementKey, splitCertificates } from './endorsement-key.js';
import { ensureAttestationKey } from './attestation-key.js';
import { ENDORSEMENT_KEY_PROFILES } from './key-templates.js';
import { readPublic, withPrimaryKey } from './keys.js';
import { nvRead, nvReadPublic, NvCounter } from './nv.js';
import { extendPcr, readPcrs } from './pcr.js';
import { nameOf, parsePublicArea, publicKeyOf } from './public-area.js';
import { quote, readQuote } from './quote.js';
import { getRandom } from './random.js';
import type { TpmTransport } from './transport.js';

const none = new Uint8Array(0);
const rsa = ENDORSEMENT_KEY_PROFILES[0] as (typeof ENDORSEMENT_KEY_PROFILES)[number];
const primary = { hierarchy: 0x4000000b, hierarchyAuth: none, template: rsa.template };

/** Every operation that reads a TPM's answer. */
const OPERATIONS: Readonly<Record<string, (tpm: Tpm) => Promise<unknown>>> = {
  isTpm2,
  activeBanks,
  handlesBetween: (tpm) => handlesBetween(tpm, 0x01c00000, 0x01c000ff),
  getRandom: (tpm) => getRandom(tpm, 16),
  readPcrs: (tpm) => readPcrs(tpm, [{ bank: 'sha256', indices: [0, 7] }]),
  extendPcr: (tpm) => extendPcr(tpm, 15, new Uint8Array(32)),
  readPublic: (tpm) => readPublic(tpm, 0x81010002),
  withPrimaryKey: (tpm) => withPrimaryKey(tpm, primary, (_handle, area) => Promise.resolve(area)),
  quote: (tpm) => quote(tpm, 0x81010002, new Uint8Array(32), [{ bank: 'sha256', indices: [0] }]),
  nvReadPublic: (tpm) => nvReadPublic(tpm, 0x01c00002),
  nvRead: (tpm) => nvRead(tpm, 0x01c00002, { maxBytes: 8192 }),
  counter: (tpm) => new NvCounter(tpm, 0x01800123).ensureDefined(),
  ensureAttestationKey: (tpm) => ensureAttestationKey(tpm, 0x81010002, { ownerAuth: none, endorsementAuth: none }),
  readEndorsementKey: (tpm) => readEndorsementKey(tpm, { ownerAuth: none, endorsementAuth: none }),
  activateCredential: (tpm) =>
    activateCredential(tpm, { attestationKey: 0x81010002, endorsement: rsa, endorsementAuth: none }, { credentialBlob: Uint8Array.of(0, 0), encryptedSecret: Uint8Array.of(0, 0) }),
};

/** A TPM that answers with what it is told: the right tag, size and success around any body. */
function tpmAnswering(next: () => Uint8Array): Tpm {
  const transport: TpmTransport = {
    close: () => Promise.resolve(),
    send: (command) => {
      const body = next();
      const tag = new DataView(command.buffer, command.byteOffset).getUint16(0);
      return Promise.resolve(new TpmWriter().u16(tag).u32(body.length + 10).u32(0).bytes(body).finish());
    },
  };
  return new Tpm(transport, () => Promise.resolve());
}

const run = { numRuns: 200, seed: 20261122 };
const body = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.array(fc.constantFrom(0, 0, 0, 1, 4, 32, 255), { maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)));

async function failure(task: () => unknown): Promise<unknown> {
  try {
    await task();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('whatever a TPM answers', () => {
  it.each(Object.keys(OPERATIONS))('%s reads it or refuses it as a CollectorError', async (name) => {
    const operation = OPERATIONS[name] as (tpm: Tpm) => Promise<unknown>;
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 6 }), async (bodies) => {
        let at = 0;
        const error = await failure(() => operation(tpmAnswering(() => bodies[at++ % bodies.length] ?? none)));
        if (error !== undefined) expect(error).toBeInstanceOf(CollectorError);
      }),
      run,
    );
  });

  it.each(Object.keys(OPERATIONS))('%s refuses an empty success where it needs an answer', async (name) => {
    const error = await failure(() => (OPERATIONS[name] as (tpm: Tpm) => Promise<unknown>)(tpmAnswering(() => none)));
    expect(error).toMatchObject({ code: 'tpm-response-malformed' });
  });

  it.each([
    ['a public area', (bytes: Uint8Array) => publicKeyOf(parsePublicArea(bytes))],
    ['a name', (bytes: Uint8Array) => nameOf(parsePublicArea(bytes))],
    ['a quote', readQuote],
    ['a certificate', certifiedKey],
    ['a chain', splitCertificates],
    ['a response', (bytes: Uint8Array) => unmarshalResponse({ name: 'Quote', authorizations: [{ session: 0, password: none }] }, bytes)],
  ])('%s is read or refused as a CollectorError', async (_name, parse) => {
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        const error = await failure(() => parse(bytes));
        if (error !== undefined) expect(error).toBeInstanceOf(CollectorError);
      }),
      run,
    );
  });

  it('is not a key when a template is cut short anywhere', () => {
    for (const { template } of ENDORSEMENT_KEY_PROFILES) {
      for (let length = 0; length < template.length; length += 1) {
        expect(() => parsePublicArea(template.slice(0, length))).toThrow(expect.objectContaining({ code: 'tpm-response-malformed' }));
      }
      expect(() => parsePublicArea(new Uint8Array([...template, 0]))).toThrow(expect.objectContaining({ code: 'tpm-response-malformed' }));
    }
  });
});

describe('a response header', () => {
  const command = { name: 'GetRandom' } as const;
  const response = (tag: number, size: number, code: number, rest: readonly number[]): Uint8Array =>
    new TpmWriter().u16(tag).u32(size).u32(code).bytes(Uint8Array.from(rest)).finish();

  it.each([
    ['another tag', response(0x8002, 10, 0, [])],
    ['another size', response(0x8001, 11, 0, [])],
    ['no header', new Uint8Array(9)],
    ['a refusal with a body', response(0x8001, 11, 0x101, [0])],
    ['more than a TPM gives', response(0x8001, 4097, 0, Array.from({ length: 4087 }, () => 0))],
  ])('with %s is refused', (_name, bytes) => {
    expect(() => unmarshalResponse(command, bytes)).toThrow(expect.objectContaining({ code: 'tpm-response-malformed' }));
  });

  it('must acknowledge each session, and nothing after it', () => {
    const authorized = { name: 'PCR_Extend', authorizations: [{ session: 0x40000009, password: none }] } as const;
    const acknowledged = [0, 0, 0, 0, 0, 0, 1, 0, 0];
    expect(unmarshalResponse(authorized, response(0x8002, 19, 0, acknowledged)).parameters.remaining).toBe(0);
    const bad = [response(0x8002, 14, 0, [0, 0, 0, 0]), response(0x8002, 20, 0, [...acknowledged, 0]), response(0x8002, 14, 0, [0, 0, 0, 9]), response(0x8001, 10, 0, [])];
    for (const bytes of bad) expect(() => unmarshalResponse(authorized, bytes)).toThrow(expect.objectContaining({ code: 'tpm-response-malformed' }));
  });

  it('names a refusal', () => {
    expect(() => unmarshalResponse(command, response(0x8001, 10, 0x1df, []))).toThrow(
      expect.objectContaining({ code: 'tpm-command-failed', command: 'TPM2_GetRandom', rcName: 'TPM_RC_INTEGRITY', position: 'parameter 1', responseCode: 0x1df }),
    );
  });
});

describe('a command', () => {
  it('is written as Part 1 says', () => {
    const random = marshalCommand({ name: 'GetRandom', parameters: Uint8Array.of(0, 16) });
    expect(Buffer.from(random).toString('hex')).toBe('80010000000c0000017b0010');
    const extend = marshalCommand({ name: 'PCR_Extend', handles: [15], authorizations: [{ session: 0x40000009, password: Uint8Array.of(7) }], parameters: Uint8Array.of(1) });
    expect(Buffer.from(extend).toString('hex')).toBe(`8002${'0000001d'}00000182${'0000000f'}${'0000000a'}40000009${'0000'}01${'0001'}07${'01'}`);
  });

  it('larger than a TPM takes is refused', () => {
    expect(() => marshalCommand({ name: 'NV_Read', parameters: new Uint8Array(4087) })).toThrow(expect.objectContaining({ code: 'tpm-command-too-large' }));
  });

  it.each([[0x922], [0x908], [0x90a], [0x920]])('is sent again, a bounded number of times, when the TPM says 0x%s', async (code) => {
    let sent = 0;
    const pauses: number[] = [];
    const refusing = (times: number): TpmTransport => ({
      close: () => Promise.resolve(),
      send: () => Promise.resolve(new TpmWriter().u16(0x8001).u32(10).u32((sent += 1) <= times ? code : 0).finish()),
    });
    const pause = (ms: number): Promise<void> => (pauses.push(ms), Promise.resolve());
    await new Tpm(refusing(3), pause).execute({ name: 'FlushContext' });
    expect([sent, pauses]).toEqual([4, [20, 40, 80]]);
    sent = 0;
    await expect(new Tpm(refusing(99), pause).execute({ name: 'FlushContext' })).rejects.toMatchObject({ responseCode: code });
    expect(sent).toBe(12);
  });
});
