import { canonicalBytes } from '@strongroom/attestation-encoding';
import { emptyRootHash, leafHash, nodeHash } from '@strongroom/attestation-tlog';

/** The last event of a chain. */
export interface ChainHead {
  readonly position: number;
  readonly uid: string;
  readonly typeUid: number;
  /** SHA-256 of the entry, hex. */
  readonly fingerprint: string;
}

/**
 * The heads of all chains and the RFC 6962 root over them, sorted by chain. The tree is kept between heartbeats, so that one costs
 * what has changed since the last, not the number of chains.
 */
export class ChainHeads {
  readonly #heads = new Map<string, ChainHead>();
  readonly #stale = new Set<string>();
  #sorted: string[] = [];
  #places = new Map<string, number>();
  /** Level 0 holds the leaves; a node without a right neighbour goes up unhashed, as RFC 6962 has it. */
  #levels: Uint8Array[][] = [[]];

  get size(): number {
    return this.#heads.size;
  }

  get(chain: string): ChainHead | undefined {
    return this.#heads.get(chain);
  }

  set(chain: string, head: ChainHead): void {
    this.#heads.set(chain, head);
    this.#stale.add(chain);
  }

  root(): string {
    if (this.#stale.size > 0) this.#update();
    const root = this.#levels.at(-1)?.[0] ?? emptyRootHash();
    return `sha256:${Buffer.from(root).toString('hex')}`;
  }

  #update(): void {
    const changed = this.#heads.size === this.#sorted.length ? new Set<number>() : this.#makeRoom();
    const leaves = this.#levels[0] ?? [];
    for (const chain of this.#stale) {
      const place = this.#places.get(chain) ?? 0;
      leaves[place] = this.#leaf(chain);
      changed.add(place);
    }
    this.#stale.clear();
    this.#rehash(changed);
  }

  /** Sorts new chains in. @returns the places that hold another chain than before */
  #makeRoom(): Set<number> {
    const before = new Map(this.#sorted.map((chain, place) => [chain, this.#levels[0]?.[place]]));
    this.#sorted = [...this.#heads.keys()].sort((a, b) => (a < b ? -1 : 1));
    const moved = this.#sorted.flatMap((chain, place) => (this.#places.get(chain) === place ? [] : [place]));
    this.#places = new Map(this.#sorted.map((chain, place) => [chain, place]));
    this.#levels[0] = this.#sorted.map((chain) => before.get(chain) ?? this.#leaf(chain));
    return new Set(moved);
  }

  #leaf(chain: string): Uint8Array {
    const head = this.#heads.get(chain);
    if (head === undefined) throw new RangeError('no such chain');
    return leafHash(canonicalBytes({ chain_uid: chain, position: head.position, uid: head.uid, fingerprint: head.fingerprint }));
  }

  #rehash(places: Set<number>): void {
    let changed = places;
    let level = 0;
    for (let below = this.#levels[0] ?? []; below.length > 1; below = this.#levels[level] ?? []) {
      const above = (this.#levels[level + 1] ??= []);
      const parents = new Set([...changed].map((place) => place >> 1));
      for (const parent of parents) {
        const left = below[2 * parent];
        const right = below[2 * parent + 1];
        if (left !== undefined) above[parent] = right === undefined ? left : nodeHash(left, right);
      }
      changed = parents;
      level += 1;
    }
    this.#levels.length = level + 1;
  }
}
