import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openShard } from './open-shard.js';
import { sealShard } from './seal-shard.js';
import { scratchFolder, seededBytes, sha256Of } from './testing/scratch.js';

interface TinkVector {
  readonly key: string;
  readonly associated_data: string;
  readonly plaintext_seed: string;
  readonly plaintext_bytes: number;
  readonly header: string;
  readonly ciphertext_bytes: number;
  readonly ciphertext_digest: string;
}

const root = resolve(import.meta.dirname, '../../..');
const fixtures = join(root, 'tests/fixtures/sealing');
const { vectors } = JSON.parse(await readFile(join(fixtures, 'tink-vectors.json'), 'utf8')) as { vectors: TinkVector[] };

let scratch: Awaited<ReturnType<typeof scratchFolder>>;
beforeAll(async () => void (scratch = await scratchFolder()));
afterAll(() => scratch.remove());

describe('Tink’s own ciphertexts', () => {
  it.each(vectors)('of $plaintext_bytes bytes are what we seal under the same header', async (vector) => {
    const key = fromHex(vector.key);
    const associatedData = fromHex(vector.associated_data);
    const [source, sealed] = [scratch.path('plain'), scratch.path('sealed')];
    await writeFile(source, seededBytes(vector.plaintext_seed, vector.plaintext_bytes));
    const summary = await sealShard({ source, target: sealed, key, associatedData, random: () => fromHex(vector.header).subarray(1) });
    expect(summary.ciphertextDigest).toBe(vector.ciphertext_digest);
    expect(summary.ciphertextBytes).toBe(vector.ciphertext_bytes);
    // These now are the very bytes Tink wrote.
    const opened = await openShard({ source: sealed, target: scratch.path('opened'), key, associatedData });
    expect(opened.plaintextDigest).toBe(sha256Of(seededBytes(vector.plaintext_seed, vector.plaintext_bytes)));
  });
});

const go = buildWithGo();

(go === undefined ? describe.skip : describe)('Tink’s Go library (skipped where Go or its modules are missing)', () => {
  const key = seededBytes('interop key', 32);
  const associatedData = new TextEncoder().encode('{"path":"model.safetensors"}');
  const first = 1_048_576 - 56;
  const lengths = [0, 1, 70_000, first, first + 1, first + 1_048_560, first + 1_048_561, 5_000_000];

  it.each(lengths)('opens %i bytes sealed by us, and we what it seals', async (length) => {
    const [source, ours, theirs, opened] = ['plain', 'ours', 'theirs', 'opened'].map(scratch.path) as [string, string, string, string];
    await writeFile(source, seededBytes('interop', length));
    const summary = await sealShard({ source, target: ours, key, associatedData });
    expect(tink('open', ours, opened)).toBe(0);
    expect(sha256Of(await readFile(opened))).toBe(summary.plaintextDigest);
    expect(tink('seal', source, theirs)).toBe(0);
    await expect(openShard({ source: theirs, target: opened, key, associatedData })).resolves.toMatchObject({ plaintextDigest: summary.plaintextDigest });
  });

  it('refuses what we refuse', async () => {
    const [source, ours, opened] = ['plain', 'ours', 'opened'].map(scratch.path) as [string, string, string];
    await writeFile(source, seededBytes('interop', 2_000_000));
    await sealShard({ source, target: ours, key, associatedData });
    const sealed = await readFile(ours);
    sealed.writeUInt8(sealed.readUInt8(1_500_000) ^ 1, 1_500_000);
    await writeFile(ours, sealed);
    expect(tink('open', ours, opened)).toBe(1);
    await expect(openShard({ source: ours, target: opened, key, associatedData })).rejects.toMatchObject({ code: 'seal-segment-authentication', segment: 1 });
  });

  function tink(command: 'seal' | 'open', source: string, target: string): number | null {
    const input = JSON.stringify({ key: Buffer.from(key).toString('hex'), associated_data: Buffer.from(associatedData).toString('hex') });
    return spawnSync(go ?? '', [command, source, target], { input, timeout: 60_000 }).status;
  }
});

/** Path of the program; undefined without Go or its modules. A program that does not compile is a failure, not a skip. */
function buildWithGo(): string | undefined {
  const module = join(fixtures, 'tink-interop');
  const target = join(root, '.cache/tink-interop/tink-interop');
  const env = { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOTOOLCHAIN: 'local' };
  if (spawnSync('go', ['mod', 'download'], { cwd: module, env, timeout: 120_000 }).status !== 0) return undefined;
  const built = spawnSync('go', ['build', '-o', target, '.'], { cwd: module, env, timeout: 240_000, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`tink-interop does not build: ${built.stderr}`);
  return target;
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
