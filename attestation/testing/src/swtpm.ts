import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';

/** The TPM was busy with itself (a self-test, a write): the command is to be sent again. */
const RC_RETRY = 0x922;

/** Whether swtpm and its set-up tool are installed. (Some versions of the latter end with 1 for `--version`.) */
export function swtpmInstalled(): boolean {
  return ['swtpm', 'swtpm_setup'].every((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined);
}

/** A software TPM of our own: state, endorsement authority and process live and end with one folder. */
export class Swtpm {
  #process: ChildProcess | null = null;
  #socket: Socket | null = null;

  private constructor(private readonly directory: string) {}

  /** Manufactures a TPM in `directory` (which must exist), with an EK certificate by an authority made there too, and powers it on. */
  static async manufacture(directory: string): Promise<Swtpm> {
    const state = join(directory, 'state');
    const authority = join(directory, 'authority');
    for (const folder of [state, authority]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(directory, 'localca.conf'), `statedir = ${authority}\nsigningkey = ${authority}/signkey.pem\nissuercert = ${authority}/issuercert.pem\ncertserial = ${authority}/certserial\n`);
    writeFileSync(join(directory, 'localca.options'), '--platform-manufacturer Strongroom\n--platform-version 1\n--platform-model fixture\n');
    writeFileSync(join(directory, 'setup.conf'), `create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = ${directory}/localca.conf\ncreate_certs_tool_options = ${directory}/localca.options\n`);
    const runAs = process.getuid?.() === 0 ? ['--runas', 'root'] : [];
    const setup = spawnSync(
      'swtpm_setup',
      ['--tpm2', '--tpmstate', state, '--config', join(directory, 'setup.conf'), '--create-ek-cert', '--lock-nvram', '--overwrite', '--pcr-banks', 'sha256,sha1,sha384', ...runAs],
      { encoding: 'utf8' },
    );
    if (setup.status !== 0) throw new Error(`swtpm_setup failed: ${setup.stdout}${setup.stderr}`);
    const tpm = new Swtpm(directory);
    await tpm.powerOn();
    return tpm;
  }

  /** DER of the authority that certified the EK: issuer, then root. */
  authority(): { readonly issuer: Uint8Array; readonly root: Uint8Array } {
    const read = (name: string): Uint8Array => {
      const pem = readFileSync(join(this.directory, 'authority', name), 'utf8');
      return new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'));
    };
    return { issuer: read('issuercert.pem'), root: read('swtpm-localca-rootca-cert.pem') };
  }

  async powerOn(): Promise<void> {
    const port = await freePort();
    const child = spawn(
      'swtpm',
      ['socket', '--tpm2', '--tpmstate', `dir=${join(this.directory, 'state')}`, '--server', `type=tcp,port=${port},bindaddr=127.0.0.1`, '--flags', 'not-need-init,startup-clear'],
      { stdio: 'ignore' },
    );
    this.#process = child;
    this.#socket = await connectWhenReady(port, child);
  }

  /** Orderly shutdown. Powering on again is then a reset: resetCount rises, PCRs start over, handles are gone. */
  async powerOff(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    await this.command(0x145, Buffer.from([0, 0])); // TPM2_Shutdown(CLEAR)
    this.#socket?.destroy();
    // swtpm ends by itself when its only client leaves; the signal covers the case that it did not.
    const ended = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
    child.kill('SIGTERM');
    await ended;
    this.#process = null;
    this.#socket = null;
  }

  /** Sends one command without sessions. @returns the response after its header. @throws Error with the response code */
  async command(code: number, body: Uint8Array): Promise<Buffer> {
    return this.#transact(0x8001, code, body);
  }

  /** Sends one command with an authorisation area. @returns the response's parameters, its sessions cut off; handles lead when the command gives one. */
  async authorised(code: number, handles: Uint8Array, authorisations: readonly Uint8Array[], parameters: Uint8Array, handleBack = false): Promise<Buffer> {
    const area = Buffer.concat(authorisations);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(area.length);
    const response = await this.#transact(0x8002, code, Buffer.concat([handles, size, area, parameters]));
    const start = handleBack ? 4 : 0;
    const length = response.readUInt32BE(start);
    return Buffer.concat([response.subarray(0, start), response.subarray(start + 4, start + 4 + length)]);
  }

  async #transact(tag: number, code: number, body: Uint8Array): Promise<Buffer> {
    const socket = this.#socket;
    if (socket === null) throw new Error('swtpm is off');
    const header = Buffer.alloc(10);
    header.writeUInt16BE(tag, 0);
    header.writeUInt32BE(10 + body.length, 2);
    header.writeUInt32BE(code, 6);
    let response: Buffer = Buffer.alloc(0);
    let rc = RC_RETRY;
    for (let attempt = 0; attempt < 8 && rc === RC_RETRY; attempt++) {
      socket.write(Buffer.concat([header, body]));
      response = await readResponse(socket);
      rc = response.readUInt32BE(6);
    }
    if (rc !== 0) throw new Error(`TPM command 0x${code.toString(16)} answered 0x${rc.toString(16)}`);
    return response.subarray(10);
  }
}

async function readResponse(socket: Socket): Promise<Buffer> {
  let buffer = Buffer.alloc(0);
  while (buffer.length < 10 || buffer.length < buffer.readUInt32BE(2)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    buffer = Buffer.concat([buffer, chunk]);
  }
  return buffer;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Tries again until the process listens, for at most five seconds; the process ending first is an error. */
async function connectWhenReady(port: number, child: ChildProcess): Promise<Socket> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline && child.exitCode === null; ) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  child.kill('SIGKILL');
  throw new Error('swtpm did not start');
}
