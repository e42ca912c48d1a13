import { appendSignatures, parseCheckpoint, parseNote, parseVkey, submitCheckpoint, type NoteVerifier, type PostToWitness } from '@strongroom/attestation-tlog';
import { StrongroomError } from '../platform/errors.js';

export interface Witness {
  readonly verifier: NoteVerifier;
  readonly post: PostToWitness;
}

export type ConsistencyProof = (oldSize: bigint, newSize: bigint) => Promise<readonly Uint8Array[]>;

/** The anchors' witnesses. Cosigns by quorum, and stops the log when one of them has seen another. */
export class Witnesses {
  /** What each has cosigned last, as far as we know; they tell us when we are wrong. */
  readonly #sizes = new Map<string, bigint>();

  constructor(
    private readonly witnesses: readonly Witness[],
    private readonly quorum: number,
  ) {
    if (new Set(witnesses.map(({ verifier }) => verifier.vkey)).size < Math.max(quorum, witnesses.length)) {
      throw new StrongroomError('config-invalid', `the anchors ask for ${quorum} witnesses; that many distinct ones must be configured`);
    }
  }

  /**
   * Asks all witnesses at once, and needs the quorum of distinct ones.
   * @returns the note with their cosignatures.
   * @throws StrongroomError `witness-unavailable`; `log-fork` when a witness is ahead of us or has seen another history
   */
  async cosign(checkpoint: Uint8Array, consistencyProof: ConsistencyProof): Promise<Uint8Array> {
    if (this.witnesses.length === 0) return checkpoint;
    const answers = await Promise.allSettled(this.witnesses.map((witness) => this.#ask(witness, checkpoint, consistencyProof)));
    const fork = answers.find((answer) => answer.status === 'rejected' && answer.reason instanceof StrongroomError);
    if (fork?.status === 'rejected') throw fork.reason;
    const lines = answers.flatMap((answer) => (answer.status === 'fulfilled' && answer.value !== undefined ? [answer.value] : []));
    if (lines.length < this.quorum) {
      throw new StrongroomError('witness-unavailable', `${lines.length} of ${this.quorum} witnesses cosigned`, { cause: answers.find((answer) => answer.status === 'rejected')?.reason });
    }
    return lines.length === 0 ? checkpoint : appendSignatures(checkpoint, lines);
  }

  async #ask({ verifier, post }: Witness, checkpoint: Uint8Array, consistencyProof: ConsistencyProof): Promise<string | undefined> {
    const { size } = parseCheckpoint(parseNote(checkpoint).text);
    const known = this.#sizes.get(verifier.vkey) ?? 0n;
    const answer = await submitCheckpoint({ checkpoint, witness: verifier, post, oldSize: known <= size ? known : 0n, consistencyProof });
    if (answer.kind === 'conflict' && answer.size > size) throw new StrongroomError('log-fork', `witness ${verifier.name} has seen ${answer.size} entries, we have ${size}: this is an older copy of the log, or another`);
    if (answer.kind === 'inconsistent') throw new StrongroomError('log-fork', `witness ${verifier.name} has seen another history of this log`);
    if (answer.kind !== 'cosigned') return undefined;
    this.#sizes.set(verifier.vkey, size);
    return answer.line;
  }
}

/** The witnesses of the configuration that the anchors name. @throws StrongroomError `config-invalid` */
export function configuredWitnesses(
  configured: readonly { readonly vkey: string; readonly url: string }[],
  anchored: { readonly quorum: number; readonly vkeys: readonly string[] },
  timeoutMs: number,
): Witnesses {
  const foreign = configured.filter(({ vkey }) => !anchored.vkeys.includes(vkey));
  if (foreign.length > 0) throw new StrongroomError('config-invalid', `the anchors do not name the witness at ${foreign.map(({ url }) => url).join(', ')}`);
  return new Witnesses(
    configured.map(({ vkey, url }) => ({ verifier: parseVkey(vkey), post: postOverHttp(url, timeoutMs) })),
    anchored.quorum,
  );
}

const MAX_ANSWER_BYTES = 64 * 1024;

function postOverHttp(prefix: string, timeoutMs: number): PostToWitness {
  return async (body) => {
    const response = await fetch(`${prefix.replace(/\/$/, '')}/add-checkpoint`, { method: 'POST', body: Buffer.from(body), redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    const contentType = response.headers.get('content-type');
    return { status: response.status, ...(contentType === null ? {} : { contentType }), body: await readBounded(response) };
  };
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > MAX_ANSWER_BYTES) throw new StrongroomError('witness-unavailable', 'a witness answered too much');
    chunks.push(chunk as Uint8Array);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
