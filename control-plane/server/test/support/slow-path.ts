import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';

/** A path to the releaser on which the first release is held back until `letGo`; all that passes it reaches the real one as it was. */
export class SlowPath {
  #letGo: () => void = () => undefined;
  readonly #gone = new Promise<void>((resolve) => (this.#letGo = resolve));
  #arrived: () => void = () => undefined;
  /** The first release has come. */
  readonly arrived = new Promise<void>((resolve) => (this.#arrived = resolve));
  #seen = 0;
  /** Codes of the releaser's answers to releases; `answered` for keys. */
  readonly outcomes: string[] = [];
  readonly #server = createServer((request, response) => void this.pass(request, response));

  constructor(private readonly releaserSocket: string) {}

  listen(path: string): Promise<void> {
    return new Promise((resolve) => this.#server.listen(path, resolve));
  }

  letGo(): void {
    this.#letGo();
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => { resolve(); }));
  }

  private async pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const isRelease = incoming.url === '/v1/release';
    if (isRelease && ++this.#seen === 1) {
      this.#arrived();
      await this.#gone;
    }
    const outgoing = httpRequest({ socketPath: this.releaserSocket, path: incoming.url, method: 'POST', headers: incoming.headers }, (answer) => void this.answer(answer, response, isRelease));
    outgoing.end(Buffer.concat(chunks));
  }

  private async answer(answer: IncomingMessage, response: ServerResponse, isRelease: boolean): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (isRelease) this.outcomes.push(answer.statusCode === 200 ? 'answered' : (JSON.parse(body.toString('utf8')) as { code: string }).code);
    response.writeHead(answer.statusCode ?? 500, { 'content-type': 'application/json' }).end(body);
  }
}
