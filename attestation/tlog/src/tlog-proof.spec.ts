import { describe, expect, it } from '@jest/globals';
import { FakeWitness } from './fakes/fake-witness.js';
import { MemoryLog, testEntries } from './fakes/memory-log.js';
import { leafHash } from './merkle.js';
import { appendSignatures } from './note.js';
import { formatTlogProof, parseTlogProof, verifyTlogProof, type TlogProofVerification } from './tlog-proof.js';
import { parseWitnessPolicy } from './witness-policy.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
const log = new MemoryLog();
log.append(testEntries(0, 300));
const witness = new FakeWitness('w.example', { [log.origin]: log.signer.verifier });
const witnesses = parseWitnessPolicy(`witness W ${witness.cosigner.vkey}\nquorum W\n`);
const cosigned = appendSignatures(log.checkpoint, [witness.cosigner.cosign(log.checkpoint, witness.timeSeconds)]);
const [entry] = testEntries(270, 1);
const hashes = await log.reader.inclusionProof(270n, 300n);
const proof = formatTlogProof({ index: 270n, proof: hashes, checkpoint: cosigned });
const asked: TlogProofVerification = { proof, entry: entry ?? new Uint8Array(), origin: log.origin, log: log.signer.verifier, witnesses };

describe('verifyTlogProof', () => {
  it('proves an entry, from its bytes or its leaf hash', () => {
    const proven = verifyTlogProof(asked);
    expect(proven).toMatchObject({ index: 270n, leafHash: leafHash(Buffer.from('entry 270')), checkpoint: { size: 300n } });
    expect(verifyTlogProof({ ...asked, entry: { leafHash: proven.leafHash }, proof: Buffer.from(proof) }).index).toBe(270n);
  });

  it('proves the only entry of a log, with no hashes at all', () => {
    const one = new MemoryLog();
    one.append(testEntries(0, 1));
    const text = formatTlogProof({ index: 0n, proof: [], checkpoint: one.checkpoint });
    expect(verifyTlogProof({ proof: text, entry: Buffer.from('entry 0'), origin: one.origin, log: one.signer.verifier }).index).toBe(0n);
  });

  it('refuses another entry, index or proof', () => {
    expect(() => verifyTlogProof({ ...asked, entry: Buffer.from('entry 271') })).toThrow(code('inclusion-invalid'));
    expect(() => verifyTlogProof({ ...asked, entry: new Uint8Array() })).toThrow(code('inclusion-invalid'));
    expect(() => verifyTlogProof({ ...asked, proof: proof.replace('index 270', 'index 271') })).toThrow(code('inclusion-invalid'));
    expect(() => verifyTlogProof({ ...asked, proof: proof.replace('index 270', 'index 300') })).toThrow(code('merkle-range'));
    const short = formatTlogProof({ index: 270n, proof: hashes.slice(1), checkpoint: cosigned });
    expect(() => verifyTlogProof({ ...asked, proof: short })).toThrow(code('inclusion-invalid'));
  });

  it('refuses without the witness, or under another log', () => {
    const alone = formatTlogProof({ index: 270n, proof: hashes, checkpoint: log.checkpoint });
    expect(() => verifyTlogProof({ ...asked, proof: alone })).toThrow(code('checkpoint-quorum'));
    expect(() => verifyTlogProof({ ...asked, origin: 'other.example' })).toThrow(code('checkpoint-origin'));
    expect(() => verifyTlogProof({ ...asked, log: new MemoryLog(log.origin, 'other').signer.verifier })).toThrow(code('checkpoint-log-signature'));
  });
});

describe('parseTlogProof', () => {
  it('reads what formatTlogProof writes, with extra data and without', () => {
    expect(parseTlogProof(proof)).toEqual({ index: 270n, proof: hashes, checkpoint: cosigned });
    const extra = Uint8Array.of(1, 2, 3);
    const text = formatTlogProof({ index: 270n, proof: hashes, checkpoint: cosigned, extra });
    expect(text.split('\n')[1]).toBe('extra AQID');
    expect(parseTlogProof(text)).toEqual({ index: 270n, proof: hashes, checkpoint: cosigned, extra });
  });

  it.each([
    ['nothing', () => ''],
    ['no header', () => proof.slice(proof.indexOf('\n') + 1)],
    ['another version', () => proof.replace('@v1', '@v2')],
    ['no index', () => proof.replace('index 270\n', '')],
    ['a leading zero', () => proof.replace('index 270', 'index 0270')],
    ['a negative index', () => proof.replace('index 270', 'index -1')],
    ['66 bits', () => proof.replace('index 270', 'index 36893488147419103232')],
    ['the index before the extra data', () => proof.replace('index 270', 'index 270\nextra AQID')],
    ['extra data that is not base64', () => proof.replace('index', 'extra !\nindex')],
    ['too much extra data', () => proof.replace('index', `extra ${'AAAA'.repeat(30_000)}\nindex`)],
    ['a hash of 31 bytes', () => proof.replace('index 270\n', `index 270\n${Buffer.alloc(31).toString('base64')}\n`)],
    ['65 hashes', () => proof.replace('index 270\n', `index 270\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(65)}`)],
    ['carriage returns', () => proof.replaceAll('\n', '\r\n')],
    ['no checkpoint', () => proof.slice(0, proof.indexOf('\n\n') + 1)],
    ['two megabytes', () => proof + 'x'.repeat(2 << 20)],
  ])('refuses %s', (_, make) => {
    expect(() => parseTlogProof(make())).toThrow(code('proof-malformed'));
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseTlogProof(Uint8Array.of(0xff, 0xfe))).toThrow(code('proof-malformed'));
  });
});
