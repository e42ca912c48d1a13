import { describe, expect, it } from '@jest/globals';
import { canonicalBytes } from '@strongroom/attestation-encoding';
import { emptyEdge, planAppend } from '@strongroom/attestation-tlog';
import { ChainHeads, type ChainHead } from './chain-heads.js';

/** The same root, computed from nothing each time. */
function plainRoot(heads: ReadonlyMap<string, ChainHead>): string {
  const leaves = [...heads].sort(([a], [b]) => (a < b ? -1 : 1)).map(([chain_uid, { position, uid, fingerprint }]) => canonicalBytes({ chain_uid, position, uid, fingerprint }));
  return `sha256:${Buffer.from(planAppend(emptyEdge(), leaves).rootHash).toString('hex')}`;
}

describe('ChainHeads', () => {
  it('keeps the root of the RFC 6962 tree while chains are added anywhere and move on', () => {
    let state = 20_261_122;
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    const kept = new ChainHeads();
    const plain = new Map<string, ChainHead>();
    expect(kept.root()).toBe(plainRoot(plain));
    for (let round = 0; round < 120; round += 1) {
      for (let n = random(4); n >= 0; n -= 1) {
        const chain = `person/${random(90)}`;
        const head = { position: round, uid: `event ${round}`, typeUid: 1, fingerprint: `${random(1e9)}` };
        kept.set(chain, head);
        plain.set(chain, head);
      }
      expect({ round, root: kept.root() }).toEqual({ round, root: plainRoot(plain) });
    }
    expect(kept.size).toBe(plain.size);
  });
});
