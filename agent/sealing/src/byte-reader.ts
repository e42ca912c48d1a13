import type { FileHandle } from 'node:fs/promises';
import { SealingError } from './errors.js';

/** Bytes that can be read at any place: a plaintext file, or a sealed shard. */
export interface ByteReader {
  /** Exactly `length` bytes from `offset`. @throws SealingError when they are not there */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export function fileReader(file: FileHandle): ByteReader {
  return {
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new SealingError('safetensors-truncated', 'the file ended early');
        filled += bytesRead;
      }
      return bytes;
    },
  };
}
