import { CollectorError } from '../errors.js';
import { malformed } from './bytes.js';
import { MAX_MESSAGE_BYTES } from './constants.js';

/**
 * Carries TPM commands, one at a time, in the order they were given.
 * After a timeout, a closed connection or a malformed answer it refuses everything: a late answer must never be
 * taken for the answer to the next command. Nothing is retried here. Commands are not durable: a command that was
 * sent and not answered may have been carried out.
 */
export interface TpmTransport {
  /**
   * @param command whole, header included, at most 4096 bytes.
   * @returns the whole response, header included; its size field is checked, nothing else.
   * @throws CollectorError `tpm-timeout` | `tpm-closed` | `tpm-response-malformed` | `tpm-command-too-large`
   */
  send(command: Uint8Array): Promise<Uint8Array>;
  /** Ends the connection; pending commands fail with `tpm-closed`. Safe to call twice. */
  close(): Promise<void>;
}

/** How long the slowest command (an RSA primary key on a discrete TPM) may take. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** One exchange over the actual wire. Called by one command at a time. */
export type TpmExchange = (command: Uint8Array) => Promise<Uint8Array>;

/** The order, bounds, time limit and fail-closed behaviour that every transport shares. */
export class QueuedTransport implements TpmTransport {
  #tail: Promise<unknown> = Promise.resolve();
  #broken: CollectorError | undefined;
  readonly #abort = new AbortController();

  constructor(
    private readonly exchange: TpmExchange,
    private readonly release: () => Promise<void>,
    private readonly timeoutMs: number = DEFAULT_TIMEOUT_MS,
  ) {}

  send(command: Uint8Array): Promise<Uint8Array> {
    const answer = this.#tail.then(() => this.#exchangeOnce(command));
    this.#tail = answer.catch(() => undefined);
    return answer;
  }

  async close(): Promise<void> {
    await this.#fail(new CollectorError('tpm-closed', 'the connection to the TPM is closed'));
  }

  async #exchangeOnce(command: Uint8Array): Promise<Uint8Array> {
    if (this.#broken !== undefined) throw this.#broken;
    if (command.length > MAX_MESSAGE_BYTES) throw new CollectorError('tpm-command-too-large', 'a TPM command is at most 4096 bytes');
    try {
      const response = await this.#limited(this.exchange(command));
      requireFrame(response);
      return response;
    } catch (cause) {
      const error = cause instanceof CollectorError ? cause : new CollectorError('tpm-closed', 'the connection to the TPM broke', { cause });
      await this.#fail(error);
      throw error;
    }
  }

  async #limited(pending: Promise<Uint8Array>): Promise<Uint8Array> {
    const signal = this.#abort.signal;
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      const message = `the TPM gave no answer within ${this.timeoutMs} ms`;
      timer = setTimeout(() => reject(new CollectorError('tpm-timeout', message)), this.timeoutMs);
      onAbort = () => reject(signal.reason as CollectorError);
      signal.addEventListener('abort', onAbort);
    });
    pending.catch(() => undefined); // it may still fail after the limit won
    try {
      return await Promise.race([pending, limit]);
    } finally {
      clearTimeout(timer);
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    }
  }

  async #fail(error: CollectorError): Promise<void> {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.#abort.abort(error);
    await this.release().catch(() => undefined);
  }
}

/** Checks what can be said of a response without knowing the command: 10 bytes at least, and as long as it says. */
function requireFrame(response: Uint8Array): void {
  if (response.length < 10) throw malformed('shorter than a header');
  if (frameSize(response) !== response.length) throw malformed('its size field disagrees with its length');
}

/** The size field of a TPM message header. */
export function frameSize(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, header.byteLength).getUint32(2);
}
