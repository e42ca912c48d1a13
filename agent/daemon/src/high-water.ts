import { z } from 'zod';
import { verifyConsistency, TileReader, TlogError, type FetchFile } from '@strongroom/attestation-tlog';
import { fromBase64url, toBase64url } from '@strongroom/attestation-encoding';
import type { VerifiedRelease } from '@strongroom/control-plane-contract';
import { AgentError } from './errors.js';
import type { StateFolder } from './state-folder.js';

const FILE = 'high-water.json';
const schema = z.strictObject({
  /** Document kind and subject to the highest version seen. */
  versions: z.record(z.string(), z.number().int().min(1)),
  checkpoint: z.strictObject({ size: z.string().regex(/^[0-9]{1,20}$/), root: z.string() }).nullable(),
  /** Releases accepted once; a second time is a replay. */
  releases: z.array(z.string()).max(100_000),
});
type Marks = z.infer<typeof schema>;

/**
 * The highest versions and checkpoint this node has seen, so that nobody can show it an older world (protocol rule 10). A file
 * here; TPM NV where the deployment has it.
 */
export class HighWater {
  #marks: Marks;

  /** @throws AgentError `state-unusable` for a damaged file: an empty one would forget everything */
  constructor(private readonly state: StateFolder) {
    const stored = state.readJson(FILE);
    const parsed = schema.safeParse(stored ?? { versions: {}, checkpoint: null, releases: [] });
    if (!parsed.success) throw new AgentError('state-unusable', `${FILE} in the state folder is damaged`, { cause: parsed.error });
    this.#marks = parsed.data;
  }

  /**
   * Takes a verified release in, once: nothing in it may be older than what was seen, its log must have grown out of the log
   * seen before, and its id must be new. Durable before it returns.
   * @throws AgentError `rolled-back` | `log-inconsistent` | `release-repeated`
   */
  async accept(release: VerifiedRelease, fetchTile: FetchFile): Promise<void> {
    const { statement } = release;
    if (this.#marks.releases.includes(statement.release_id)) throw new AgentError('release-repeated', 'this release was accepted before');
    const versions = { ...this.#marks.versions, ...this.newer(release) };
    const checkpoint = await this.grown(release, fetchTile);
    this.#marks = { versions, checkpoint, releases: [...this.#marks.releases, statement.release_id].slice(-100_000) };
    this.state.writeJson(FILE, this.#marks);
  }

  private newer(release: VerifiedRelease): Record<string, number> {
    const seen: readonly [string, number][] = [
      ['roster', release.roster.value.version],
      ['policy', release.policy.value.version],
      [`enclave/${release.enclave.value.enclave.id}`, release.enclave.value.version],
      [`registration/${release.registration.value.node}`, release.registration.value.version],
      [`manifest/${release.manifest.value.asset.id}`, release.manifest.value.version],
    ];
    for (const [name, version] of seen) {
      const highest = this.#marks.versions[name] ?? 0;
      if (version < highest) throw new AgentError('rolled-back', `${name} version ${version} is older than ${highest}, which this node has seen`);
    }
    return Object.fromEntries(seen);
  }

  private async grown(release: VerifiedRelease, fetchTile: FetchFile): Promise<Marks['checkpoint']> {
    const { size, rootHash } = release.entry.checkpoint;
    const before = this.#marks.checkpoint;
    if (before !== null) await assertGrowth({ size: BigInt(before.size), rootHash: fromBase64url(before.root, 32) }, { size, rootHash }, fetchTile);
    return { size: String(size), root: toBase64url(rootHash) };
  }
}

interface Tree {
  readonly size: bigint;
  readonly rootHash: Uint8Array;
}

/** The proof is computed from the server's tiles, which need not be believed: the proof is verified. */
async function assertGrowth(before: Tree, after: Tree, fetchTile: FetchFile): Promise<void> {
  if (after.size < before.size) throw new AgentError('log-inconsistent', 'the log is shorter than this node has seen it');
  try {
    const proof = after.size === before.size ? [] : await new TileReader(fetchTile).consistencyProof(before.size, after.size);
    verifyConsistency({ oldSize: before.size, newSize: after.size, oldRootHash: before.rootHash, newRootHash: after.rootHash, proof });
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new AgentError('log-inconsistent', 'the log is not the one this node has seen, grown', { cause, reason: cause.code });
  }
}
