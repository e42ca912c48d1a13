import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parseByteRange, type ByteRange } from './byte-range.js';
import { SealingError } from './errors.js';
import { parseSafetensors, type Tensor } from './safetensors.js';
import { SealedShard, type SealedShardOptions } from './sealed-shard.js';
import { listenPrivately } from './unix-socket.js';

export interface ServedShard extends SealedShardOptions {
  /** The name consumers ask for. */
  readonly path: string;
}

export interface ServeWeightsOptions {
  /** At most 107 bytes; made with mode 0600. */
  readonly socketPath: string;
  readonly shards: readonly ServedShard[];
  /** Told of every piece of plaintext before it is handed to a consumer, for the meters. When it throws, the answer ends there. */
  readonly onBytesRead?: ((path: string, bytes: number) => void) | undefined;
}

export interface WeightsServer {
  readonly socketPath: string;
  /** Ends every connection at once, zeroes the derived keys, removes the socket. Safe to call again. */
  close(): Promise<void>;
}

interface Resource extends ByteRange {
  readonly path: string;
  readonly shard: SealedShard;
  readonly tensor?: Tensor;
}

/**
 * Serves sealed shards to local consumers over HTTP on a Unix socket: `GET /shards/<path>` and `GET /tensors/<name>`, both
 * with single byte ranges, and `GET /tensors` for the map. Plaintext exists in memory only, a segment at a time per request.
 * A segment that fails authentication ends the answer early: its bytes are never sent and the length promised is not met.
 * Who may connect is the file system's to say: put the socket in a folder of its own.
 * @throws SealingError `serve-socket-path` | `serve-socket-taken`, or what `SealedShard.open` and `parseSafetensors` throw
 */
export async function serveWeights(options: ServeWeightsOptions): Promise<WeightsServer> {
  const opened: SealedShard[] = [];
  const closeShards = (): Promise<unknown> => Promise.all(opened.map((shard) => shard.close()));
  try {
    const catalogue = await openCatalogue(options.shards, opened);
    const server = createServer((request, response) => {
      answer(catalogue, options.onBytesRead ?? (() => undefined), request, response).catch(() => response.destroy());
    });
    await listenPrivately(server, options.socketPath);
    let closing: Promise<void> | undefined;
    return { socketPath: options.socketPath, close: () => (closing ??= endServer(server).then(closeShards).then(() => undefined)) };
  } catch (error) {
    await closeShards();
    throw error;
  }
}

type Catalogue = ReadonlyMap<string, Resource>;

/** Keys are URL paths before escaping: `/shards/…` and `/tensors/…`. */
async function openCatalogue(shards: readonly ServedShard[], opened: SealedShard[]): Promise<Catalogue> {
  const catalogue = new Map<string, Resource>();
  for (const options of shards) {
    const shard = await SealedShard.open(options);
    opened.push(shard);
    const { tensors } = await parseSafetensors(shard, shard.plaintextBytes);
    add(catalogue, `/shards/${options.path}`, { path: options.path, shard, offset: 0, length: shard.plaintextBytes });
    for (const [name, tensor] of tensors) {
      const { offset, length } = tensor;
      add(catalogue, `/tensors/${name}`, { path: options.path, shard, offset, length, tensor });
    }
  }
  return catalogue;
}

function add(catalogue: Map<string, Resource>, key: string, resource: Resource): void {
  if (catalogue.has(key)) throw new SealingError('weights-index', `${JSON.stringify(key)} is there twice`);
  catalogue.set(key, resource);
}

async function answer(catalogue: Catalogue, onBytesRead: (path: string, bytes: number) => void, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('Cache-Control', 'no-store');
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, { Allow: 'GET, HEAD' });
  const key = decodePath(request.url ?? '');
  if (key === '/tensors') return sendMap(catalogue, request, response);
  const resource = key === undefined ? undefined : catalogue.get(key);
  if (resource === undefined) return refuse(response, 404);
  const range = parseByteRange(request.headers.range, resource.length);
  if (range === 'unsatisfiable') return refuse(response, 416, { 'Content-Range': `bytes */${resource.length}` });
  await sendRange(resource, range, onBytesRead, request, response);
}

async function sendRange(
  resource: Resource,
  range: ByteRange | undefined,
  onBytesRead: (path: string, bytes: number) => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { offset, length } = range ?? { offset: 0, length: resource.length };
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Content-Length', length);
  if (resource.tensor !== undefined) {
    response.setHeader('Strongroom-Dtype', resource.tensor.dtype);
    response.setHeader('Strongroom-Shape', resource.tensor.shape.join(','));
  }
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${offset}-${offset + length - 1}/${resource.length}`);
  response.statusCode = range === undefined ? 200 : 206;
  if (request.method !== 'HEAD') {
    for await (const piece of resource.shard.stream(resource.offset + offset, length)) {
      onBytesRead(resource.path, piece.length);
      await writePiece(response, piece);
    }
  }
  response.end();
}

/** Resolves once the bytes have left for the kernel: only then may their buffer be used again. */
function writePiece(response: ServerResponse, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new SealingError('seal-aborted', 'the consumer went away'));
    if (response.destroyed) return gone();
    response.once('close', gone);
    response.write(piece, (error) => {
      response.off('close', gone);
      if (error) reject(error);
      else resolve();
    });
  });
}

function sendMap(catalogue: Catalogue, request: IncomingMessage, response: ServerResponse): void {
  const tensors = [...catalogue].flatMap(([key, { tensor, path, offset, length }]) =>
    tensor === undefined ? [] : [[key.slice('/tensors/'.length), { path, dtype: tensor.dtype, shape: tensor.shape, offset, length }] as const],
  );
  const body = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Length': 0, ...headers });
  response.end();
}

/** The path looked up as it stands: names are never resolved, so `..` finds nothing. */
function decodePath(url: string): string | undefined {
  try {
    return decodeURIComponent(url.split('?', 1)[0] ?? '');
  } catch {
    return undefined;
  }
}

async function endServer(server: Server): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await ended;
}
