import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError } from './errors.js';
import { isCode } from './owner-lock.js';

/** One 0600 file a role in a 0700 folder. Passwords are 256 random bits, made here and never shown. */
export class PasswordFolder {
  constructor(private readonly folder: string) {}

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await chmod(this.folder, 0o700);
  }

  /** The role's password, made and durable on disk before it is returned when there was none. */
  async ensure(role: string): Promise<string> {
    const existing = this.find(role);
    if (existing !== undefined) return existing;
    const password = randomBytes(32).toString('base64url');
    const partial = `${this.path(role)}.${randomBytes(4).toString('hex')}`;
    const file = await open(partial, 'wx', 0o600);
    try {
      await file.writeFile(password);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, this.path(role));
    return password;
  }

  /** @throws PostgresError `role-unknown` when the role has never been made here. */
  read(role: string): string {
    const password = this.find(role);
    if (password === undefined) throw new PostgresError('role-unknown', `no password is kept for the role ${role}`);
    return password;
  }

  /** Removes the passwords, and the folder unless it holds other things. */
  async remove(): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names) if (name.startsWith('postgres-')) await unlink(join(this.folder, name));
    await rmdir(this.folder).catch(() => undefined);
  }

  private find(role: string): string | undefined {
    try {
      const password = readFileSync(this.path(role), 'utf8').trim();
      return password === '' ? undefined : password;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  private path(role: string): string {
    return join(this.folder, `postgres-${role}`);
  }
}

/**
 * What PostgreSQL stores for a SCRAM-SHA-256 password (RFC 5802, section 3). Sent in place of the password, so that no
 * statement, and no log of statements, ever holds the password itself.
 */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}
