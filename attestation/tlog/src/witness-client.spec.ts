import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeWitness } from './fakes/fake-witness.js';
import { MemoryLog, testEntries } from './fakes/memory-log.js';
import { emptyRootHash } from './merkle.js';
import { appendSignatures, openNote, signNote } from './note.js';
import { formatCheckpoint } from './checkpoint-text.js';
import { requestCosignature, submitCheckpoint } from './witness-client.js';
import { formatAddCheckpoint, parseAddCheckpoint } from './witness-request.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
let log: MemoryLog;
let witness: FakeWitness;

beforeEach(() => {
  log = new MemoryLog();
  log.append(testEntries(0, 10));
  log.append(testEntries(10, 290));
  witness = new FakeWitness('w.example', { [log.origin]: log.signer.verifier });
});

async function ask(oldSize: bigint, newSize: bigint, from: MemoryLog = log): Promise<unknown> {
  const proof = await from.reader.consistencyProof(oldSize, newSize);
  const checkpoint = from.checkpoints.get(newSize) ?? new Uint8Array();
  return requestCosignature({ post: witness.post, witness: witness.cosigner.verifier, oldSize, proof, checkpoint });
}

async function submit(oldSize: bigint): Promise<unknown> {
  return submitCheckpoint({
    post: witness.post,
    witness: witness.cosigner.verifier,
    oldSize,
    checkpoint: log.checkpoint,
    consistencyProof: (from, to) => log.reader.consistencyProof(from, to),
  });
}

describe('requestCosignature', () => {
  it('brings home a cosignature that opens the checkpoint', async () => {
    expect(await ask(0n, 10n)).toMatchObject({ kind: 'cosigned', timeSeconds: witness.timeSeconds });
    const answer = (await ask(10n, 300n)) as { line: string };
    const note = appendSignatures(log.checkpoint, [answer.line]);
    expect(openNote(note, [log.signer.verifier, witness.cosigner.verifier]).signatures).toHaveLength(2);
    expect(witness.latest.get(log.origin)?.size).toBe(300n);
  });

  it('lets the witness cosign the same checkpoint again', async () => {
    await ask(0n, 300n);
    expect(await ask(300n, 300n)).toMatchObject({ kind: 'cosigned' });
  });

  it('tells where the witness stands when that is elsewhere', async () => {
    await ask(0n, 10n);
    expect(await ask(0n, 300n)).toEqual({ kind: 'conflict', size: 10n });
  });

  it('reports a fork, and the witness does not move', async () => {
    await ask(0n, 10n);
    const fork = new MemoryLog();
    fork.append(testEntries(1, 300));
    const proof = await fork.reader.consistencyProof(10n, 300n);
    const request = { post: witness.post, witness: witness.cosigner.verifier, oldSize: 10n, proof, checkpoint: fork.checkpoint };
    expect(await requestCosignature(request)).toEqual({ kind: 'inconsistent' });
    expect(witness.latest.get(log.origin)?.size).toBe(10n);
  });

  it('reports another root at the same size', async () => {
    await ask(0n, 10n);
    const other = signNote(formatCheckpoint({ origin: log.origin, size: 10n, rootHash: emptyRootHash() }), [log.signer]);
    const request = { post: witness.post, witness: witness.cosigner.verifier, oldSize: 10n, proof: [], checkpoint: other };
    expect(await requestCosignature(request)).toEqual({ kind: 'inconsistent' });
    witness.nextAnswer = { status: 409, contentType: 'text/x.tlog.size; charset=utf-8', body: Buffer.from('10\n') };
    expect(await requestCosignature(request)).toEqual({ kind: 'inconsistent' });
  });

  it('tells an unknown log, an untrusted key and any other refusal apart', async () => {
    expect(await ask(0n, 0n, new MemoryLog('other.example'))).toEqual({ kind: 'unknown-log' });
    expect(await ask(0n, 0n, new MemoryLog(log.origin, 'other key'))).toEqual({ kind: 'untrusted-signature' });
    expect(await requestCosignature({ post: witness.post, witness: witness.cosigner.verifier, oldSize: 301n, proof: [], checkpoint: log.checkpoint })).toEqual({ kind: 'refused', status: 400 });
    witness.nextAnswer = { status: 503, body: new Uint8Array() };
    expect(await ask(0n, 10n)).toEqual({ kind: 'refused', status: 503 });
  });

  it('believes no "200" without this witness\'s cosignature over this checkpoint', async () => {
    const other = witness.cosigner.cosign(log.checkpoints.get(10n) ?? new Uint8Array(), witness.timeSeconds);
    const foreign = new FakeWitness('v.example', {}).cosigner.cosign(log.checkpoint, 1);
    for (const line of [other, foreign]) {
      witness.nextAnswer = { status: 200, body: Buffer.from(`${line}\n`) };
      await expect(ask(0n, 300n)).rejects.toThrow(code('witness-cosignature-invalid'));
    }
    for (const body of ['', '\n', 'ok\n', other, `x\n\n${other}\n`]) {
      witness.nextAnswer = { status: 200, body: Buffer.from(body) };
      await expect(ask(0n, 300n)).rejects.toThrow(code('witness-answer-malformed'));
    }
  });

  it('does not take a cosignature that stood in our own checkpoint for an answer', async () => {
    const checkpoint = appendSignatures(log.checkpoint, [witness.cosigner.cosign(log.checkpoint, 1)]);
    const foreign = new FakeWitness('v.example', {}).cosigner.cosign(log.checkpoint, 1);
    witness.nextAnswer = { status: 200, body: Buffer.from(`${foreign}\n`) };
    const request = { post: witness.post, witness: witness.cosigner.verifier, oldSize: 0n, proof: [], checkpoint };
    await expect(requestCosignature(request)).rejects.toThrow(code('witness-cosignature-invalid'));
  });

  it('refuses a conflict without a size, a huge answer, and a key that is no witness key', async () => {
    const conflicts = [
      { status: 409, body: Buffer.from('5\n') },
      { status: 409, contentType: 'text/plain', body: Buffer.from('5\n') },
      { status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('5') },
      { status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('05\n') },
      { status: 200, body: new Uint8Array(64 * 1024 + 1) },
    ];
    for (const answer of conflicts) {
      witness.nextAnswer = answer;
      await expect(ask(0n, 300n)).rejects.toThrow(code('witness-answer-malformed'));
    }
    const request = { post: witness.post, witness: log.signer.verifier, oldSize: 0n, proof: [], checkpoint: log.checkpoint };
    await expect(requestCosignature(request)).rejects.toThrow(code('options-invalid'));
  });

  it('passes on a failure of the network', async () => {
    witness.nextAnswer = new Error('connection refused');
    await expect(ask(0n, 10n)).rejects.toThrow('connection refused');
  });
});

describe('submitCheckpoint', () => {
  it('asks again from where the witness stands', async () => {
    await ask(0n, 10n);
    expect(await submit(0n)).toMatchObject({ kind: 'cosigned' });
  });

  it('stops at a witness that has seen more of the log than we have', async () => {
    witness.latest.set(log.origin, { size: 301n, rootHash: emptyRootHash() });
    expect(await submit(300n)).toEqual({ kind: 'conflict', size: 301n });
  });

  it('asks at most twice', async () => {
    witness.latest.set(log.origin, { size: 300n, rootHash: emptyRootHash() });
    witness.nextAnswer = { status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('10\n') };
    expect(await submit(0n)).toEqual({ kind: 'conflict', size: 300n });
  });
});

describe('the add-checkpoint body', () => {
  it('is read back as written', async () => {
    const request = { oldSize: 10n, proof: await log.reader.consistencyProof(10n, 300n), checkpoint: log.checkpoint };
    expect(parseAddCheckpoint(formatAddCheckpoint(request))).toEqual(request);
  });

  it.each(['', 'old 1', 'old 1\n', 'old 01\n\nx', 'new 1\n\nx', 'old 1\nx\n\nx', `old 1\n${'A'.repeat(43)}=\n`.repeat(2), `old 1\n${`${'A'.repeat(43)}=\n`.repeat(64)}\nx`])('refuses %j', (body) => {
    expect(() => parseAddCheckpoint(Buffer.from(body))).toThrow(code('proof-malformed'));
  });

  it('that is malformed, or too large, is answered with 400', async () => {
    expect(await witness.post(Buffer.from('hello'))).toMatchObject({ status: 400 });
    expect(await witness.post(Buffer.from('old 0\n\nhello\n'))).toMatchObject({ status: 400 });
    expect(await witness.post(new Uint8Array(2 << 20))).toMatchObject({ status: 400 });
  });
});
