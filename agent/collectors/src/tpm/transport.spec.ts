import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { openDeviceTransport } from './device-transport.js';
import { openSocketTransport, streamTransport } from './socket-transport.js';
import { QueuedTransport } from './transport.js';

const frame = (fill: number, size = 12): Uint8Array => {
  const bytes = new Uint8Array(size).fill(fill);
  new DataView(bytes.buffer).setUint32(2, size);
  return bytes;
};

/** The TPM's end of a stream: answers each command with the chunks a test gives. */
class FakeTpmStream extends Duplex {
  constructor(private readonly answer: (command: Buffer, give: (chunk: Uint8Array) => void) => void) {
    super();
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    done();
    this.answer(chunk, (bytes) => this.push(Buffer.from(bytes)));
  }
}

describe('a stream transport', () => {
  it('puts a response together from pieces, and keeps commands in order', async () => {
    const seen: number[] = [];
    const transport = streamTransport(new FakeTpmStream((command, give) => {
      seen.push(command[0] ?? -1);
      for (const byte of frame(command[0] ?? 0)) give(Uint8Array.of(byte));
    }));
    const answers = await Promise.all([1, 2, 3].map((fill) => transport.send(frame(fill))));
    expect(answers).toEqual([1, 2, 3].map((fill) => frame(fill)));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('sends one command at a time', async () => {
    let pending = 0;
    let most = 0;
    const transport = streamTransport(new FakeTpmStream((_command, give) => {
      most = Math.max(most, (pending += 1));
      setImmediate(() => {
        pending -= 1;
        give(frame(1));
      });
    }));
    await Promise.all([1, 2, 3].map(() => transport.send(frame(1))));
    expect(most).toBe(1);
  });

  const sized = (size: number): Uint8Array => {
    const bytes = frame(0, 12);
    new DataView(bytes.buffer).setUint32(2, size);
    return bytes;
  };
  it.each([
    ['more than its size says', new Uint8Array([...frame(1), 0])],
    ['two responses', new Uint8Array([...frame(1), ...frame(2)])],
    ['a size below a header', sized(9)],
    ['a size of zero', sized(0)],
    ['a size beyond any TPM', sized(4097)],
    ['a size of 4 GiB', sized(0xffffffff)],
  ])('refuses %s, and everything after it', async (_name, response) => {
    const transport = streamTransport(new FakeTpmStream((_command, give) => give(response)));
    await expect(transport.send(frame(1))).rejects.toMatchObject({ code: 'tpm-response-malformed' });
    await expect(transport.send(frame(1))).rejects.toMatchObject({ code: 'tpm-response-malformed' });
  });

  it('refuses bytes that came before they were asked for', async () => {
    const stream = new FakeTpmStream(() => undefined);
    const transport = streamTransport(stream);
    stream.push(Buffer.from(frame(1)));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(transport.send(frame(1))).rejects.toMatchObject({ code: 'tpm-response-malformed' });
  });

  it('never takes a late answer for the answer to the next command', async () => {
    let late: (() => void) | undefined;
    const transport = streamTransport(new FakeTpmStream((_command, give) => {
      late = () => give(frame(1));
    }), 5);
    await expect(transport.send(frame(1))).rejects.toMatchObject({ code: 'tpm-timeout' });
    const second = transport.send(frame(2));
    late?.();
    await expect(second).rejects.toMatchObject({ code: 'tpm-timeout' });
  });

  it.each([
    ['ends', (stream: Duplex) => stream.push(null)],
    ['breaks', (stream: Duplex) => stream.destroy(new Error('reset'))],
    ['closes', (stream: Duplex) => stream.destroy()],
  ])('fails the pending command when the connection %s', async (_name, happen) => {
    const stream: FakeTpmStream = new FakeTpmStream(() => happen(stream));
    await expect(streamTransport(stream).send(frame(1))).rejects.toMatchObject({ code: 'tpm-closed' });
  });

  it('fails what is pending when it is closed, and what comes after', async () => {
    const transport = streamTransport(new FakeTpmStream(() => undefined));
    const [pending, queued] = [transport.send(frame(1)), transport.send(frame(2))];
    const outcomes = Promise.allSettled([pending, queued]);
    await new Promise((resolve) => setImmediate(resolve));
    await transport.close();
    await transport.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'tpm-closed' } });
    await expect(transport.send(frame(1))).rejects.toMatchObject({ code: 'tpm-closed' });
  });

  it('refuses a command larger than any TPM takes', async () => {
    const transport = new QueuedTransport((command) => Promise.resolve(command), () => Promise.resolve());
    await expect(transport.send(frame(1, 4097))).rejects.toMatchObject({ code: 'tpm-command-too-large' });
    await expect(transport.send(frame(1))).resolves.toEqual(frame(1));
  });
});

describe('a socket transport', () => {
  it('says when nothing listens, and when a path is too long to be one', async () => {
    await expect(openSocketTransport({ type: 'unixio', path: '/nonexistent/tpm.sock' })).rejects.toMatchObject({ code: 'tpm-unreachable' });
    await expect(openSocketTransport({ type: 'unixio', path: `/tmp/${'x'.repeat(103)}` })).rejects.toMatchObject({ code: 'tpm-unreachable' });
  });
});

describe('a device transport', () => {
  const device = (read: Uint8Array, taken?: number) => {
    const log: string[] = [];
    const handle = {
      write: (bytes: Uint8Array) => (log.push(`write ${bytes.length}`), Promise.resolve({ bytesWritten: taken ?? bytes.length })),
      read: (into: Uint8Array) => (log.push(`read ${into.length}`), into.set(read), Promise.resolve({ bytesRead: read.length })),
      close: () => (log.push('close'), Promise.resolve()),
    };
    return { log, openDevice: () => Promise.resolve(handle) };
  };

  it('writes a command at once and reads its response at once', async () => {
    const { log, openDevice } = device(frame(3));
    const transport = await openDeviceTransport({ openDevice });
    expect(await transport.send(frame(1, 20))).toEqual(frame(3));
    await transport.close();
    expect(log).toEqual(['write 20', 'read 4096', 'close']);
  });

  it.each([
    ['nothing', new Uint8Array(0), undefined, 'tpm-response-malformed'],
    ['half a response', frame(1).slice(0, 11), undefined, 'tpm-response-malformed'],
    ['part of a write', frame(1), 5, 'tpm-closed'],
  ])('refuses %s', async (_name, read, taken, code) => {
    const { log, openDevice } = device(read, taken);
    const transport = await openDeviceTransport({ openDevice });
    await expect(transport.send(frame(1))).rejects.toMatchObject({ code });
    expect(log.at(-1)).toBe('close');
  });

  it('says when there is no device', async () => {
    await expect(openDeviceTransport({ path: '/nonexistent/tpmrm0' })).rejects.toMatchObject({ code: 'tpm-unreachable' });
  });
});
