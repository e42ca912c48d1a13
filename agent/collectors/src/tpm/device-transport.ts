import { open } from 'node:fs/promises';
import { CollectorError } from '../errors.js';
import { MAX_MESSAGE_BYTES } from './constants.js';
import { QueuedTransport } from './transport.js';
import type { TpmTransport } from './transport.js';

/** The part of an open file that a TPM character device needs. */
export interface DeviceHandle {
  write(bytes: Uint8Array): Promise<{ readonly bytesWritten: number }>;
  read(into: Uint8Array): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

export interface DeviceTransportOptions {
  /** The resource-managed device: each opening has its own transient objects and sessions, freed when it is closed. */
  readonly path?: string;
  readonly timeoutMs?: number;
  readonly openDevice?: (path: string) => Promise<DeviceHandle>;
}

export const DEFAULT_DEVICE = '/dev/tpmrm0';

/**
 * Opens a TPM character device. The kernel takes a command in one write and gives its response to one read.
 *
 * @throws CollectorError `tpm-unreachable` when it is missing, busy (the unmanaged device) or not permitted.
 */
export async function openDeviceTransport(options: DeviceTransportOptions = {}): Promise<TpmTransport> {
  const path = options.path ?? DEFAULT_DEVICE;
  const handle = await (options.openDevice ?? openFile)(path).catch((cause: unknown) => {
    throw new CollectorError('tpm-unreachable', `${path} cannot be opened: is there a TPM, and may this user use it (group tss)?`, { cause });
  });
  const exchange = async (command: Uint8Array): Promise<Uint8Array> => {
    const { bytesWritten } = await handle.write(command);
    if (bytesWritten !== command.length) throw new CollectorError('tpm-closed', `${path} took part of a command`);
    const response = new Uint8Array(MAX_MESSAGE_BYTES);
    const { bytesRead } = await handle.read(response);
    return response.slice(0, bytesRead);
  };
  return new QueuedTransport(exchange, () => handle.close(), options.timeoutMs);
}

async function openFile(path: string): Promise<DeviceHandle> {
  const file = await open(path, 'r+');
  return {
    // No position: the device cannot seek, so this must be write(2) and read(2), not their positioned kin.
    write: (bytes) => file.write(bytes, 0, bytes.length, null),
    read: (into) => file.read(into, 0, into.length, null),
    close: () => file.close(),
  };
}
