import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CollectorError } from '../errors.js';
import { isTpm2 } from '../tpm/capability.js';
import { TpmWriter } from '../tpm/bytes.js';
import { Tpm } from '../tpm/command.js';
import { openSocketTransport, requireSocketPath, streamTransport } from '../tpm/socket-transport.js';
import type { TpmSocketAddress } from '../tpm/socket-transport.js';
import type { TpmTransport } from '../tpm/transport.js';
import { findTool, tailOf, toolEnvironment } from './tools.js';
import type { ToolEnvironment } from './tools.js';

/** How the TPM is reached. `inherited` is a socket pair that nobody else can connect to, and needs no path. */
export type SwtpmServer = { readonly type: 'inherited' } | TpmSocketAddress;

export interface StartSwtpmOptions {
  /** As given to {@link prepareSwtpm}. */
  readonly stateFolder: string;
  readonly env: ToolEnvironment;
  /** Default `inherited`. A Unix socket's path has at most 107 bytes and is made with mode 0600. */
  readonly server?: SwtpmServer;
  /** For the start, and for each command afterwards. */
  readonly timeoutMs?: number;
}

/** A running development TPM. It ends when its connection does, so it does not outlive this program even if that is killed. */
export interface RunningSwtpm {
  readonly pid: number;
  /** Its only connection. Closing it shuts the TPM down in order, as {@link stop} does. */
  readonly transport: TpmTransport;
  /** Shuts down in order and waits for the process to be gone; insists by its pid after two seconds. Safe to call twice. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const PATIENCE_MS = 2_000;

/**
 * Starts swtpm on a prepared state and returns when it has answered a real command. PCRs are at their start values.
 *
 * @throws CollectorError `swtpm-unavailable` when it is not installed, ends, or does not answer in time; also when another
 *   swtpm runs on the same state.
 */
export async function startSwtpm(options: StartSwtpmOptions): Promise<RunningSwtpm> {
  const server = options.server ?? { type: 'inherited' };
  if (server.type === 'unixio') requireSocketPath(server.path);
  const timeoutMs = options.timeoutMs ?? START_TIMEOUT_MS;
  const child = spawn(await findTool('swtpm', options.env), argumentsFor(options.stateFolder, server), {
    env: toolEnvironment(options.env),
    stdio: ['ignore', 'ignore', 'pipe', server.type === 'inherited' ? 'pipe' : 'ignore'],
    detached: true, // its own session: an interrupt from the terminal reaches us, and we shut it down in order
  });
  const ended = endOf(child);
  const output = tailOf(child.stderr as NodeJS.ReadableStream);
  try {
    const ready = connectAndAsk(child, server, timeoutMs);
    const connection = await Promise.race([ready, ended.then((how) => Promise.reject(new Error(how)))]);
    return running(child, connection, ended, server);
  } catch (cause) {
    await end(child, ended);
    throw new CollectorError('swtpm-unavailable', `swtpm did not start. ${output()}`.trim(), { cause });
  }
}

function argumentsFor(stateFolder: string, server: SwtpmServer): readonly string[] {
  const tpm = join(resolve(stateFolder), 'tpm');
  const args = ['socket', '--tpm2', '--tpmstate', `dir=${tpm},mode=0600`, '--flags', 'not-need-init,startup-clear', '--terminate'];
  if (server.type === 'inherited') return [...args, '--fd', '3'];
  if (server.type === 'tcp') return [...args, '--server', `type=tcp,port=${server.port},bindaddr=127.0.0.1`];
  return [...args, '--server', `type=unixio,path=${server.path},mode=0600`];
}

async function connectAndAsk(child: ChildProcess, server: SwtpmServer, timeoutMs: number): Promise<TpmTransport> {
  const transport = server.type === 'inherited' ? streamTransport(child.stdio[3] as Duplex, timeoutMs) : await connectWhenListening(child, server, timeoutMs);
  const answered = await isTpm2(new Tpm(transport)).catch(async (error: unknown) => {
    await transport.close();
    throw error;
  });
  if (!answered) throw new Error('what answers is no TPM 2.0');
  return transport;
}

/** There is no signal when a listening socket is there, so it is tried every 10 ms within the time. */
async function connectWhenListening(child: ChildProcess, address: TpmSocketAddress, timeoutMs: number): Promise<TpmTransport> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await openSocketTransport(address, timeoutMs);
    } catch (error) {
      if (performance.now() > deadline || child.exitCode !== null || child.signalCode !== null) throw error;
      await sleep(10);
    }
  }
}

function running(child: ChildProcess, connection: TpmTransport, ended: Promise<string>, server: SwtpmServer): RunningSwtpm {
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= shutDown(child, connection, ended).then(async () => {
      if (server.type === 'unixio') await rm(server.path, { force: true });
    });
    return stopping;
  };
  const transport: TpmTransport = { send: (command) => connection.send(command), close: stop };
  return { pid: child.pid ?? 0, transport, stop };
}

/** Without TPM2_Shutdown the TPM takes the next start for the one after a power failure, and counts it against dictionary attacks. */
async function shutDown(child: ChildProcess, connection: TpmTransport, ended: Promise<string>): Promise<void> {
  const SHUTDOWN_CLEAR = 0x0000;
  await new Tpm(connection).execute({ name: 'Shutdown', parameters: new TpmWriter().u16(SHUTDOWN_CLEAR).finish() }).catch(() => undefined);
  await connection.close();
  await end(child, ended);
}

/** The connection is gone, so it should end by itself; then by its pid, politely and not. */
async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const patience = new AbortController();
    const inTime = await Promise.race([ended.then(() => true), sleep(PATIENCE_MS, false, { signal: patience.signal }).catch(() => false)]);
    patience.abort();
    if (inTime) return;
    child.kill(signal);
  }
  await ended;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((settle) => {
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(`it ended with ${signal ?? `code ${code}`}`));
  });
}
