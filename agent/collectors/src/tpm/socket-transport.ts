import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { CollectorError } from '../errors.js';
import { malformed } from './bytes.js';
import { MAX_MESSAGE_BYTES } from './constants.js';
import { frameSize, QueuedTransport } from './transport.js';
import type { TpmTransport } from './transport.js';

/** Where a software TPM listens. TCP is for loopback alone: commands travel in the clear. */
export type TpmSocketAddress = { readonly type: 'unixio'; readonly path: string } | { readonly type: 'tcp'; readonly port: number };

/** What fits sun_path with its closing zero; longer paths would be cut short silently by some programs. */
export const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Connects to a software TPM's data socket (raw TPM commands, as swtpm's `--server` speaks).
 *
 * @throws CollectorError `tpm-unreachable`
 */
export async function openSocketTransport(address: TpmSocketAddress, timeoutMs?: number): Promise<TpmTransport> {
  if (address.type === 'unixio') requireSocketPath(address.path);
  const socket = address.type === 'unixio' ? connect(address.path) : connect(address.port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (cause) => {
      const name = address.type === 'unixio' ? address.path : `127.0.0.1:${address.port}`;
      reject(new CollectorError('tpm-unreachable', `no TPM answers at ${name}`, { cause }));
    });
  });
  if (address.type === 'tcp') socket.setNoDelay(true);
  return streamTransport(socket, timeoutMs);
}

/** @throws CollectorError `tpm-unreachable` when the path cannot name a Unix socket. */
export function requireSocketPath(path: string): void {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new CollectorError('tpm-unreachable', `a Unix socket's path has at most ${MAX_SOCKET_PATH_BYTES} bytes; give a shorter one`);
  }
}

/** A transport over an open stream that carries one response after each command and nothing else. */
export function streamTransport(stream: Duplex, timeoutMs?: number): TpmTransport {
  const frames = new FrameReader(stream);
  const exchange = (command: Uint8Array): Promise<Uint8Array> => {
    const answer = frames.next();
    stream.write(command);
    return answer;
  };
  const release = (): Promise<void> => {
    stream.destroy();
    return Promise.resolve();
  };
  return new QueuedTransport(exchange, release, timeoutMs);
}

interface Waiter {
  readonly resolve: (frame: Uint8Array) => void;
  readonly reject: (error: CollectorError) => void;
}

/** Cuts a byte stream into TPM messages by their size field; holds at most one message. */
class FrameReader {
  #held: Buffer = Buffer.alloc(0);
  #waiter: Waiter | undefined;
  #failure: CollectorError | undefined;

  constructor(stream: Duplex) {
    stream.on('data', (chunk: Buffer) => this.#accept(chunk));
    stream.on('error', (cause) => this.#fail(new CollectorError('tpm-closed', 'the connection to the TPM broke', { cause })));
    stream.on('close', () => this.#fail(new CollectorError('tpm-closed', 'the TPM closed the connection')));
    stream.on('end', () => this.#fail(new CollectorError('tpm-closed', 'the TPM closed the connection')));
  }

  next(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else this.#waiter = { resolve, reject };
    });
  }

  #accept(chunk: Buffer): void {
    if (this.#waiter === undefined) return this.#fail(malformed('bytes that nobody asked for'));
    this.#held = Buffer.concat([this.#held, chunk]);
    if (this.#held.length < 6) return;
    const size = frameSize(this.#held);
    if (size < 10 || size > MAX_MESSAGE_BYTES) return this.#fail(malformed(`a size of ${size} bytes`));
    if (this.#held.length > size) return this.#fail(malformed('more bytes than its size field says'));
    if (this.#held.length < size) return;
    const frame = new Uint8Array(this.#held);
    this.#held = Buffer.alloc(0);
    const { resolve } = this.#waiter;
    this.#waiter = undefined;
    resolve(frame);
  }

  #fail(error: CollectorError): void {
    this.#failure ??= error;
    this.#waiter?.reject(this.#failure);
    this.#waiter = undefined;
  }
}
