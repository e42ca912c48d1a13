import { describe, expect, it } from '@jest/globals';
import { formatCheckpoint, parseCheckpoint } from './checkpoint-text.js';
import { verifyCheckpoint, type CheckpointTrust } from './checkpoint.js';
import { testKey } from './fakes/keys.js';
import { appendSignatures, formatSignatureLine, signNote } from './note.js';
import { createCosigner, createNoteSigner } from './signer.js';
import { parseWitnessPolicy } from './witness-policy.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
const origin = 'log.example/audit/2026';
const log = createNoteSigner({ name: origin, privateKey: testKey('log') });
const witnesses = ['w1.example', 'w2.example', 'w3.example'].map((name) => createCosigner({ name, privateKey: testKey(name) }));
const [w1, w2] = witnesses;
if (w1 === undefined || w2 === undefined) throw new Error('two witnesses');
const text = formatCheckpoint({ origin, size: 5n, rootHash: new Uint8Array(32).fill(7) });
const signed = signNote(text, [log]);
const signedAt = 1_790_000_000;
const now = new Date((signedAt + 30) * 1000);
const policy = parseWitnessPolicy(
  [`log ${log.vkey}`, ...witnesses.map((w, at) => `witness W${at} ${w.vkey}`), 'group two 2 W0 W1 W2', 'quorum two', ''].join('\n'),
);
const cosigned = appendSignatures(signed, [w1.cosign(signed, signedAt), w2.cosign(signed, signedAt)]);
const trust: CheckpointTrust = { origin, log: log.verifier, witnesses: policy };

describe('parseCheckpoint', () => {
  it('reads what formatCheckpoint writes, extension lines included', () => {
    expect(parseCheckpoint(text)).toEqual({ origin, size: 5n, rootHash: new Uint8Array(32).fill(7), extensions: [] });
    expect(parseCheckpoint(formatCheckpoint({ ...parseCheckpoint(text), extensions: ['more', 'lines'] })).extensions).toEqual(['more', 'lines']);
    expect(parseCheckpoint(formatCheckpoint({ ...parseCheckpoint(text), size: (1n << 64n) - 1n })).size).toBe((1n << 64n) - 1n);
  });

  const root = Buffer.alloc(32).toString('base64');
  it.each([
    ['nothing', ''],
    ['no newline at the end', `o\n1\n${root}`],
    ['no origin', `\n1\n${root}\n`],
    ['no size', `o\n\n${root}\n`],
    ['no root', 'o\n1\n'],
    ['a leading zero', `o\n01\n${root}\n`],
    ['a sign', `o\n+1\n${root}\n`],
    ['hexadecimal', `o\n0x1\n${root}\n`],
    ['65 bits', `o\n18446744073709551616\n${root}\n`],
    ['a short root', `o\n1\n${Buffer.alloc(31).toString('base64')}\n`],
    ['an unpadded root', `o\n1\n${root.slice(0, -1)}\n`],
    ['stray bits in the root', `o\n1\n${root.slice(0, -2)}B=\n`],
    ['an empty extension line', `o\n1\n${root}\nx\n\ny\n`],
  ])('refuses %s', (_, bad) => {
    expect(() => parseCheckpoint(bad)).toThrow(code('checkpoint-malformed'));
  });

  it('cannot be made to write a line break within a line', () => {
    expect(() => formatCheckpoint({ origin: 'o\n9', size: 1n, rootHash: new Uint8Array(32) })).toThrow(code('checkpoint-malformed'));
    expect(() => formatCheckpoint({ origin: '', size: 1n, rootHash: new Uint8Array(32) })).toThrow(code('checkpoint-malformed'));
    expect(() => formatCheckpoint({ origin: 'o', size: -1n, rootHash: new Uint8Array(32) })).toThrow(code('checkpoint-malformed'));
    expect(() => formatCheckpoint({ origin: 'o', size: 1n, rootHash: new Uint8Array(32), extensions: ['a\nb'] })).toThrow(code('checkpoint-malformed'));
  });
});

describe('verifyCheckpoint', () => {
  it('gives what the log signed and who cosigned when', () => {
    const verified = verifyCheckpoint(cosigned, { ...trust, now, maxCosignatureAgeSeconds: 60 });
    expect(verified).toMatchObject({ origin, size: 5n, note: cosigned });
    expect(verified.cosignatures).toEqual([
      { name: 'w1.example', vkey: w1.vkey, timeSeconds: signedAt },
      { name: 'w2.example', vkey: w2.vkey, timeSeconds: signedAt },
    ]);
  });

  it('asks nobody but the log when no witnesses are given', () => {
    expect(verifyCheckpoint(signed, { origin, log: log.verifier }).cosignatures).toEqual([]);
  });

  it('refuses another origin, although the key is right', () => {
    expect(() => verifyCheckpoint(signed, { origin: 'log.example/audit/2027', log: log.verifier })).toThrow(code('checkpoint-origin'));
  });

  it('refuses a checkpoint that only witnesses signed', () => {
    const unsigned = Buffer.from(`${text}\n${w1.cosign(signed, signedAt)}\n${w2.cosign(signed, signedAt)}\n`);
    expect(() => verifyCheckpoint(unsigned, trust)).toThrow(code('checkpoint-log-signature'));
  });

  it('refuses a checkpoint by a log that is not this one', () => {
    const impostor = createNoteSigner({ name: origin, privateKey: testKey('impostor') });
    expect(() => verifyCheckpoint(signNote(text, [impostor]), { origin, log: log.verifier })).toThrow(code('note-unverified'));
  });

  it('refuses a note of that log that is no checkpoint', () => {
    expect(() => verifyCheckpoint(signNote('hello\n', [log]), { origin, log: log.verifier })).toThrow(code('checkpoint-malformed'));
  });

  it('refuses when the quorum is missing, or only one witness signed twice', () => {
    expect(() => verifyCheckpoint(signed, trust)).toThrow(code('checkpoint-quorum'));
    const twice = appendSignatures(signed, [w1.cosign(signed, signedAt), w1.cosign(signed, signedAt + 1)]);
    expect(() => verifyCheckpoint(twice, trust)).toThrow(code('checkpoint-quorum'));
  });

  it('refuses a cosignature taken from another checkpoint', () => {
    const other = signNote(formatCheckpoint({ origin, size: 6n, rootHash: new Uint8Array(32) }), [log]);
    const moved = appendSignatures(signed, [w1.cosign(signed, signedAt), w2.cosign(other, signedAt)]);
    expect(() => verifyCheckpoint(moved, trust)).toThrow(code('note-signature-invalid'));
  });

  it('refuses a cosignature whose time was changed', () => {
    const line = w2.cosign(signed, signedAt);
    const bytes = Buffer.from(line.split(' ')[2] ?? '', 'base64');
    bytes.writeBigUInt64BE(BigInt(signedAt + 1000), 4);
    const later = appendSignatures(signed, [w1.cosign(signed, signedAt), formatSignatureLine(w2.name, w2.keyId, bytes.subarray(4))]);
    expect(() => verifyCheckpoint(later, trust)).toThrow(code('note-signature-invalid'));
  });

  it('does not count cosignatures that are too old or from the future', () => {
    const old = new Date((signedAt + 61) * 1000);
    expect(() => verifyCheckpoint(cosigned, { ...trust, now: old, maxCosignatureAgeSeconds: 60 })).toThrow(code('checkpoint-stale'));
    expect(() => verifyCheckpoint(cosigned, { ...trust, now: new Date((signedAt - 61) * 1000) })).toThrow(code('checkpoint-stale'));
    expect(verifyCheckpoint(cosigned, { ...trust, now: new Date((signedAt - 60) * 1000) }).cosignatures).toHaveLength(2);
    const oneOld = appendSignatures(signed, [w1.cosign(signed, signedAt - 1000), w2.cosign(signed, signedAt)]);
    expect(() => verifyCheckpoint(oneOld, { ...trust, now, maxCosignatureAgeSeconds: 60 })).toThrow(code('checkpoint-stale'));
  });

  it('refuses to judge an age without now, without witnesses, or with a nonsense age', () => {
    const { witnesses: _, ...alone } = trust;
    const none = parseWitnessPolicy('quorum none\n');
    const bad: CheckpointTrust[] = [
      { ...trust, maxCosignatureAgeSeconds: 60 },
      { ...alone, now, maxCosignatureAgeSeconds: 60 },
      { ...trust, witnesses: none, now, maxCosignatureAgeSeconds: 60 },
      { ...trust, now, maxCosignatureAgeSeconds: Number.NaN },
      { ...trust, now, maxCosignatureAgeSeconds: -1 },
      { ...trust, now: new Date(Number.NaN) },
      { ...trust, log: w1.verifier },
    ];
    for (const each of bad) expect(() => verifyCheckpoint(cosigned, each)).toThrow(code('options-invalid'));
  });
});

describe('createCosigner', () => {
  it('cosigns checkpoints only, at a whole second', () => {
    expect(() => w1.cosign(signNote('hello\n', [log]), signedAt)).toThrow(code('checkpoint-malformed'));
    for (const time of [-1, 1.5, Number.NaN]) expect(() => w1.cosign(signed, time)).toThrow(code('options-invalid'));
  });
});
