import { rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { SealingError } from './errors.js';

/** sockaddr_un holds 108 bytes and ends them with a zero; a longer path would be cut, not refused. */
const MAX_PATH_BYTES = 107;

/**
 * Listens on a Unix socket only its owner may open. A socket file that nobody answers on any more is replaced.
 * @throws SealingError `serve-socket-path` | `serve-socket-taken` | `seal-io`
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes === 0 || bytes > MAX_PATH_BYTES || path.includes('\0')) {
    throw new SealingError('serve-socket-path', `socket path has ${bytes} bytes; 1 to ${MAX_PATH_BYTES} are possible`);
  }
  try {
    await listen(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw new SealingError('seal-io', `cannot listen on ${path}`, { cause: error });
    if (await isAnswered(path)) throw new SealingError('serve-socket-taken', `another process serves on ${path}`, { cause: error });
    await rm(path, { force: true });
    await listen(server, path);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is bound inside this call, so the mask decides its mode from the first moment. Threads cannot set it.
    const mask = isMainThread ? process.umask(0o177) : undefined;
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      if (mask !== undefined) process.umask(mask);
    }
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Only a refused connection proves that nobody is there.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
