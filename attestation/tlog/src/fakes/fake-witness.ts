import type { NoteVerifier } from '../vkey.js';
import { createCosigner, type Cosigner } from '../signer.js';
import type { PostToWitness, WitnessResponse } from '../witness-client.js';
import { answerAddCheckpoint, type WitnessedTree } from '../witness.js';
import { testKey } from './keys.js';

/** A witness that really checks signatures and consistency proofs, remembers what it cosigned, and fails on request. */
export class FakeWitness {
  readonly cosigner: Cosigner;
  readonly latest = new Map<string, WitnessedTree>();
  timeSeconds = 1_790_000_000;
  /** The next answer, in place of an honest one. */
  nextAnswer: WitnessResponse | Error | undefined;
  readonly #logs = new Map<string, NoteVerifier[]>();

  constructor(name: string, logs: Readonly<Record<string, NoteVerifier>>) {
    this.cosigner = createCosigner({ name, privateKey: testKey(name) });
    for (const [origin, verifier] of Object.entries(logs)) this.#logs.set(origin, [verifier]);
  }

  readonly post: PostToWitness = (body) => {
    const forced = this.nextAnswer;
    this.nextAnswer = undefined;
    if (forced instanceof Error) return Promise.reject(forced);
    return Promise.resolve(forced ?? this.#answer(body));
  };

  #answer(body: Uint8Array): WitnessResponse {
    const verdict = answerAddCheckpoint(body, {
      keysOf: (origin) => this.#logs.get(origin),
      latestOf: (origin) => this.latest.get(origin),
    });
    if (verdict.status === 409) return { status: 409, contentType: 'text/x.tlog.size', body: Buffer.from(`${verdict.size}\n`) };
    if (verdict.status !== 200) return { status: verdict.status, body: Buffer.from(`${verdict.reason}\n`) };
    this.latest.set(verdict.origin, verdict.tree);
    return { status: 200, body: Buffer.from(`${this.cosigner.cosign(verdict.checkpoint, this.timeSeconds)}\n`) };
  }
}
