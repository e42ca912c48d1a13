// What one core of this machine does with the same primitive and nothing around it.
import { spawnSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import type { Figure } from '../bench.js';

const BLOCK = Buffer.alloc(65_536);
const SECONDS = 2;

/** `openssl speed` where there is an openssl, else node's own AES-256-GCM in updates of 64 KiB. */
export async function aesGcmSpeed(): Promise<Figure> {
  return (await opensslSpeed('aes-256-gcm')) ?? { name: 'node aes-256-gcm, 64 KiB', value: ownSpeed(aesGcmPass), unit: 'GB/s' };
}

/** `openssl speed` where there is an openssl, else node's own SHA-256. */
export async function sha256Speed(): Promise<Figure> {
  return (await opensslSpeed('sha256')) ?? { name: 'node sha256, 64 KiB', value: ownSpeed(sha256Pass), unit: 'GB/s' };
}

async function opensslSpeed(algorithm: string): Promise<Figure | undefined> {
  const { status, stdout } = spawnSync('openssl', ['speed', '-evp', algorithm, '-bytes', String(BLOCK.length), '-seconds', String(SECONDS)], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  // The last line ends in thousands of bytes a second: "AES-256-GCM    3822789.44k".
  const thousands = /([\d.]+)k\s*$/.exec(stdout)?.[1];
  return thousands === undefined ? undefined : { name: `openssl speed ${algorithm}, 64 KiB`, value: Number(thousands) / 1e6, unit: 'GB/s' };
}

function ownSpeed(pass: () => void): number {
  const started = performance.now();
  let bytes = 0;
  while (performance.now() - started < SECONDS * 1000) {
    pass();
    bytes += 16 * BLOCK.length;
  }
  return bytes / 1e6 / (performance.now() - started);
}

function aesGcmPass(): void {
  const cipher = createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12));
  for (let i = 0; i < 16; i++) cipher.update(BLOCK);
  cipher.final();
}

function sha256Pass(): void {
  const hash = createHash('sha256');
  for (let i = 0; i < 16; i++) hash.update(BLOCK);
  hash.digest();
}
