import { readFile, stat, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import { canonicalDigest } from '@strongroom/attestation-encoding';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parseByteRange } from './byte-range.js';
import { generateModel } from './generate-model.js';
import { sealWeights, type SealedWeights } from './seal-weights.js';
import { shardAssociatedData } from './shard-associated-data.js';
import { opensCommitment } from '@strongroom/control-plane-contract';
import { serveWeights, type ServedShard, type WeightsServer } from './weights-server.js';
import { scratchFolder, sha256Of } from './testing/scratch.js';

const names = { tenant: 't', asset: 'a', sealId: 's', keyEpoch: 1 };
let scratch: Awaited<ReturnType<typeof scratchFolder>>;
let sealed: SealedWeights;
let plaintexts: Buffer[];
let shards: ServedShard[];
let server: WeightsServer | undefined;

beforeAll(async () => {
  scratch = await scratchFolder();
  await generateModel({ folder: scratch.path('model'), shards: 2, totalBytes: 6_000_000, seed: 'served' });
  sealed = await sealWeights({ ...names, source: scratch.path('model'), folder: scratch.path('sealed'), concurrency: 1 });
  plaintexts = await Promise.all(sealed.shards.map(({ path }) => readFile(scratch.path(`model/${path}`))));
  shards = sealed.shards.map(({ index, path }) => ({
    path,
    file: sealed.files[index] ?? '',
    key: sealed.keys[index] ?? new Uint8Array(),
    associatedData: shardAssociatedData({ ...names, path, shard: index, shards: sealed.shards.length }),
  }));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(() => scratch.remove());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: scratch.path('s'), path, headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('sealed weights', () => {
  it('are described as a manifest needs it', () => {
    expect(sealed.shards.map(({ index, path }) => [index, path])).toEqual([
      [0, 'model-00001-of-00002.safetensors'],
      [1, 'model-00002-of-00002.safetensors'],
    ]);
    for (const shard of sealed.shards) {
      const plaintext = plaintexts[shard.index] ?? Buffer.alloc(0);
      expect(shard.plaintext_bytes).toBe(plaintext.length);
      expect(shard.plaintext_digest).toBe(sha256Of(plaintext));
      expect(opensCommitment(sealed.keys[shard.index] ?? new Uint8Array(), 's', shard.index, shard.key_commitment)).toBe(true);
    }
    expect(sealed.tensors['model.norm.weight']).toMatchObject({ dtype: 'F32', shape: expect.any(Array) });
    expect(sealed.tensorMap).toEqual({ digest: canonicalDigest(sealed.tensors), count: Object.keys(sealed.tensors).length });
    expect(sealed.keys[0]).not.toEqual(sealed.keys[1]);
  });
});

describe('the range server', () => {
  it('serves shards and tensors, whole and in part', async () => {
    const metered: [string, number][] = [];
    server = await serveWeights({ socketPath: scratch.path('s'), shards, onBytesRead: (path, bytes) => metered.push([path, bytes]) });
    const [path, plaintext] = [shards[1]?.path ?? '', plaintexts[1] ?? Buffer.alloc(0)];
    const whole = await get(`/shards/${path}`);
    expect([whole.status, whole.headers['content-length'], whole.headers['cache-control']]).toEqual([200, String(plaintext.length), 'no-store']);
    expect(Buffer.compare(whole.body, plaintext)).toBe(0);
    expect(metered.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(plaintext.length);
    const part = await get(`/shards/${path}`, { range: 'bytes=1048000-1050000' });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 1048000-1050000/${plaintext.length}`]);
    expect(Buffer.compare(part.body, plaintext.subarray(1_048_000, 1_050_001))).toBe(0);
    const { shard, offset, length } = sealed.tensors['model.norm.weight'] ?? { shard: 0, offset: 0, length: 0 };
    const tensor = await get('/tensors/model.norm.weight', { range: 'bytes=4-' });
    expect([tensor.status, tensor.headers['strongroom-dtype']]).toEqual([206, 'F32']);
    expect(Buffer.compare(tensor.body, plaintexts[shard]?.subarray(offset + 4, offset + length) ?? Buffer.alloc(0))).toBe(0);
    const map = JSON.parse((await get('/tensors')).body.toString()) as Record<string, unknown>;
    expect(Object.keys(map).sort()).toEqual(Object.keys(sealed.tensors).sort());
    const head = await get(`/shards/${path}`, {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(plaintext.length), 0]);
  });

  it('refuses what is not there', async () => {
    server = await serveWeights({ socketPath: scratch.path('s'), shards });
    const path = shards[0]?.path ?? '';
    for (const wrong of ['/', '/shards/', '/shards/other', `/shards/../shards/${path}`, '/tensors/none', '/tensors/__proto__', '/shards/%']) {
      expect((await get(wrong)).status).toBe(404);
    }
    expect((await get(`/shards/${path}`, {}, 'POST')).status).toBe(405);
    const beyond = await get(`/shards/${path}`, { range: 'bytes=99999999-' });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${plaintexts[0]?.length}`]);
    expect((await get(`/shards/${path}`, { range: 'bytes=0-1,5-6' })).status).toBe(416);
    expect((await get(`/shards/${path}`, { range: 'rows=0-1' })).status).toBe(200);
  });

  it('ends when closed: consumers are cut off, the socket is gone', async () => {
    server = await serveWeights({ socketPath: scratch.path('s'), shards });
    expect((await stat(scratch.path('s'))).mode & 0o777).toBe(0o600);
    const path = shards[0]?.path ?? '';
    const cutOff = new Promise((resolve, reject) => {
      const sent = request({ socketPath: scratch.path('s'), path: `/shards/${path}`, agent: false }, (response) => {
        response.once('error', resolve);
        response.once('end', () => reject(new Error('was served to the end')));
        response.once('readable', () => void server?.close().then(() => response.resume()));
      });
      sent.once('error', resolve);
      sent.end();
    });
    await expect(cutOff).resolves.toMatchObject({ code: 'ECONNRESET' });
    await server.close();
    await expect(get(`/shards/${path}`)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('never sends bytes that are not authentic', async () => {
    const damaged = await readFile(shards[0]?.file ?? '');
    damaged.writeUInt8(damaged.readUInt8(1_100_000) ^ 1, 1_100_000); // segment 1
    await writeFile(scratch.path('damaged'), damaged);
    const [first] = shards;
    if (first === undefined) throw new Error('no shard');
    server = await serveWeights({ socketPath: scratch.path('s'), shards: [{ ...first, file: scratch.path('damaged') }] });
    expect((await get(`/shards/${first.path}`, { range: 'bytes=0-99' })).body).toHaveLength(100);
    await expect(get(`/shards/${first.path}`, { range: 'bytes=1100000-1100099' })).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('stops an answer when the meter says so', async () => {
    const spent = (): never => {
      throw new Error('budget spent');
    };
    server = await serveWeights({ socketPath: scratch.path('s'), shards, onBytesRead: spent });
    await expect(get(`/shards/${shards[0]?.path}`)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('replaces a socket nobody answers on, and leaves one in use alone', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(scratch.path('s'), resolve));
    await expect(serveWeights({ socketPath: scratch.path('s'), shards })).rejects.toMatchObject({ code: 'serve-socket-taken' });
    await new Promise((resolve) => other.close(resolve));
    await leaveStaleSocket(scratch.path('s'));
    server = await serveWeights({ socketPath: scratch.path('s'), shards });
    expect((await get('/tensors')).status).toBe(200);
  });

  it('refuses a path the kernel would cut, and shards it cannot open', async () => {
    await expect(serveWeights({ socketPath: `/tmp/${'x'.repeat(103)}`, shards })).rejects.toMatchObject({ code: 'serve-socket-path' });
    await expect(serveWeights({ socketPath: '', shards })).rejects.toMatchObject({ code: 'serve-socket-path' });
    const wrong = shards.map((shard) => ({ ...shard, associatedData: new Uint8Array() }));
    await expect(serveWeights({ socketPath: scratch.path('s'), shards: wrong })).rejects.toMatchObject({ code: 'seal-segment-authentication' });
    await expect(serveWeights({ socketPath: scratch.path('s'), shards: [...shards, ...shards] })).rejects.toMatchObject({ code: 'weights-index' });
  });
});

/** What a process leaves that was killed while it listened. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  spawnSync(process.execPath, ['-e', `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`]);
}

describe('a Range header', () => {
  it.each([
    ['bytes=0-0', { offset: 0, length: 1 }],
    ['bytes=5-', { offset: 5, length: 5 }],
    ['bytes=-3', { offset: 7, length: 3 }],
    ['bytes=-99', { offset: 0, length: 10 }],
    ['bytes=8-99', { offset: 8, length: 2 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=5-4', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=-', 'unsatisfiable'],
    ['bytes=a-b', 'unsatisfiable'],
    ['bytes=1-2,3-4', 'unsatisfiable'],
    ['items=0-1', undefined],
    [undefined, undefined],
  ])('%s of ten bytes', (header, expected) => {
    expect(parseByteRange(header, 10)).toEqual(expected);
  });

  it('finds nothing in nothing', () => {
    expect(parseByteRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseByteRange('bytes=-1', 0)).toBe('unsatisfiable');
  });
});
