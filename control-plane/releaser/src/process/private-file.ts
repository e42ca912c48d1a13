import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';

/**
 * Reads a secret file that only its owner, us, may read. Links are not followed: whoever owns a link decides what is read.
 *
 * @returns the bytes in a buffer of their own, which the caller zeroes; or, as text, what is wrong with the file.
 */
export async function readPrivateFile(path: string, maxBytes: number): Promise<Uint8Array | string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (file === undefined) return 'does not exist, is a link or cannot be opened';
  try {
    const found = await file.stat();
    if (!found.isFile()) return 'is not a file';
    const fault = ownershipFault(found);
    if (fault !== undefined) return fault;
    if (found.size > maxBytes) return `is larger than ${maxBytes} bytes`;
    // Not readFile: its growing buffers would leave copies that nobody zeroes.
    const bytes = new Uint8Array(found.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytesRead === bytes.length ? bytes : 'changed while it was read';
  } finally {
    await file.close();
  }
}

/** What is wrong with a folder of secrets, if anything. */
export async function privateFolderFault(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return 'does not exist';
  return found.isDirectory() ? ownershipFault(found) : 'is not a folder';
}

function ownershipFault({ uid, mode }: { readonly uid: number; readonly mode: number }): string | undefined {
  if (uid !== process.geteuid?.()) return 'belongs to another user';
  return (mode & 0o077) === 0 ? undefined : 'can be reached by others than its owner; take their rights away (chmod go=)';
}
