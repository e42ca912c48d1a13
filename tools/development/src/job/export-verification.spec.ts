import { createPrivateKey } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { canonicalBytes, toBase64url } from '@strongroom/attestation-encoding';
import { CHECKPOINT_PATH, createNoteSigner, emptyEdge, formatCheckpoint, formatTlogProof, planAppend, signNote, TileReader } from '@strongroom/attestation-tlog';
import { found, type Founding } from '../genesis/found.js';
import { makePlatformKeys, platformKeyFiles } from '../genesis/platform-keys.js';
import { openHome } from '../home/home.js';
import { openPersons } from '../people/person.js';
import { scratch } from '../testing/scratch.js';
import { verifyExport } from './export-verification.js';

const NOW = new Date('2031-05-06T07:08:09Z');

describe('an export', () => {
  const folder = scratch();

  async function exported(first: (founding: Founding) => unknown = (founding) => ({ type: 'strongroom/log/genesis/v1', genesis_digest: founding.genesisDigest, envelope: founding.genesis })) {
    const home = openHome(folder());
    const facts = await makePlatformKeys(home, { now: NOW, approvalOrigins: ['http://approve.localhost:7080'] });
    const founding = found(facts, openPersons(home.people), NOW);
    const manifest = { type: 'strongroom/log/manifest/v1', tenant: 'main', asset: '01a204db-f524-7e2b-a373-07ad2464b8d4', version: 1, seal_id: 'A'.repeat(22), manifest_digest: `sha256:${'a'.repeat(64)}` };
    const entries = [first(founding), null, manifest].map((statement) => canonicalBytes({ class_uid: 3004, ...(statement === null ? {} : { unmapped: { strongroom: statement as never } }) }));
    const plan = planAppend(emptyEdge(), entries);
    const files = new Map(plan.files.map(({ path, bytes }) => [path, bytes]));
    const privateKey = createPrivateKey(readFileSync(platformKeyFiles(home).logKeyFile));
    const size = BigInt(entries.length);
    const checkpoint = signNote(formatCheckpoint({ origin: facts.log.origin, size, rootHash: plan.rootHash, extensions: [] }), [createNoteSigner({ name: facts.log.origin, privateKey })]);
    files.set(CHECKPOINT_PATH, checkpoint);
    const at = join(home.exports, 'one');
    const write = (path: string, bytes: Uint8Array | string) => {
      mkdirSync(dirname(join(at, path)), { recursive: true });
      writeFileSync(join(at, path), bytes);
    };
    for (const [path, bytes] of files) write(join('log', path), bytes);
    const reader = new TileReader(async (path) => files.get(path));
    const page = await Promise.all(
      entries.map(async (entry, index) => ({ index: String(index), entry: toBase64url(entry), proof: formatTlogProof({ index: BigInt(index), proof: await reader.inclusionProof(BigInt(index), size), checkpoint }) })),
    );
    const writePage = (listed: readonly unknown[]) => { write('export-1.json', JSON.stringify({ entries: listed, next: null })); };
    writePage(page);
    write('anchors.json', JSON.stringify(founding.anchors));
    write('genesis.json', JSON.stringify(founding.genesis));
    return { at, founding, page, write, writePage, tiles: [...files.keys()] };
  }

  it('is verified from its folder and two digests', async () => {
    const { at, founding } = await exported();
    const verified = await verifyExport(at, founding, NOW);
    expect(verified).toMatchObject({ entries: 3, proofs: 3 });
    expect(verified.statements.map(({ index, statement }) => [index, statement.type])).toEqual([[0n, 'strongroom/log/genesis/v1'], [2n, 'strongroom/log/manifest/v1']]);
  });

  it('of another installation is refused, however well it hangs together', async () => {
    const [mine, other] = [await exported(), await exported()];
    await expect(verifyExport(other.at, mine.founding, NOW)).rejects.toMatchObject({ code: 'anchors-untrusted' });
    await expect(verifyExport(mine.at, { ...mine.founding, genesisDigest: other.founding.genesisDigest }, NOW)).rejects.toMatchObject({ code: 'genesis-mismatch' });
  });

  it('must begin with the genesis that was pinned', async () => {
    const { at, founding } = await exported(() => null);
    await expect(verifyExport(at, founding, NOW)).rejects.toMatchObject({ code: 'log-unproven', message: expect.stringContaining('entry 0') });
  });

  it('with one bit of any of its log files changed is refused', async () => {
    const { at, founding, tiles } = await exported();
    for (const path of tiles) {
      const file = join(at, 'log', path);
      const good = readFileSync(file);
      const bad = Buffer.from(good);
      bad[bad.length >> 1] = (bad[bad.length >> 1] ?? 0) ^ 1;
      writeFileSync(file, bad);
      await expect(verifyExport(at, founding, NOW)).rejects.toHaveProperty('code');
      writeFileSync(file, good);
    }
    await expect(verifyExport(at, founding, NOW)).resolves.toHaveProperty('entries', 3);
  });

  it('that leaves an entry out, or proves another, is refused', async () => {
    const { at, founding, page, writePage } = await exported();
    writePage(page.slice(0, 2));
    await expect(verifyExport(at, founding, NOW)).rejects.toMatchObject({ code: 'log-unproven', message: expect.stringContaining('entry 2 was left out') });
    writePage([page[0], { ...page[1], entry: page[2]!.entry }, page[2]]);
    await expect(verifyExport(at, founding, NOW)).rejects.toMatchObject({ code: 'inclusion-invalid' });
    writePage([page[0], page[1], { ...page[2], index: '1' }]);
    await expect(verifyExport(at, founding, NOW)).rejects.toMatchObject({ code: 'log-unproven' });
  });

  it('without anchors, genesis or checkpoint is refused', async () => {
    const { at, founding } = await exported();
    for (const name of ['anchors.json', 'genesis.json', join('log', CHECKPOINT_PATH)]) {
      const good = readFileSync(join(at, name));
      rmSync(join(at, name));
      await expect(verifyExport(at, founding, NOW)).rejects.toMatchObject({ code: 'log-unproven' });
      writeFileSync(join(at, name), good);
    }
  });
});
