// A folder of its own for each test file, and what is needed to fill it. Used by specs only.
import { createCipheriv, createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function scratchFolder(): Promise<{ path: (name: string) => string; names: () => Promise<string[]>; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-sealing-'));
  return {
    path: (name) => join(folder, name),
    names: async () => (await readdir(folder)).sort(),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `length` bytes that look random and depend on `seed` alone. */
export function seededBytes(seed: string, length: number): Uint8Array {
  const key = createHash('sha256').update(seed).digest();
  return new Uint8Array(createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length)));
}

export function sha256Of(bytes: Uint8Array): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
