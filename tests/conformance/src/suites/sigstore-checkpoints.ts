import { createPublicKey } from 'node:crypto';
import { createVerifier, leafHash, verifyCheckpoint, verifyInclusion } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, readText } from '../vectors.js';

interface Bundle {
  readonly verificationMaterial: { readonly tlogEntries: readonly TlogEntry[] };
}

interface TlogEntry {
  readonly logId: { readonly keyId: string };
  readonly canonicalizedBody: string;
  readonly inclusionProof?: {
    readonly logIndex: string;
    readonly rootHash: string;
    readonly treeSize: string;
    readonly hashes: readonly string[];
    readonly checkpoint?: { readonly envelope: string };
  };
}

interface TrustedRoot {
  readonly tlogs: readonly {
    readonly baseUrl: string;
    readonly publicKey: { readonly rawBytes: string; readonly keyDetails: string };
    readonly logId: { readonly keyId: string };
  }[];
}

/**
 * Rekor v2 entries: the checkpoint in the bundle must be signed by the trusted log, and the entry included under it. Only that part
 * of a bundle is judged. A folder whose name ends in `_fail` must be refused.
 */
export const sigstoreCheckpointsSuite: Suite = {
  name: 'tlog-sigstore-checkpoints',
  folder: 'tlog/sigstore-rekor2',
  async run(folder) {
    const cases: SuiteCase[] = [];
    for (const file of (await listFiles(folder)).filter((each) => each.endsWith('/bundle.sigstore.json'))) {
      const name = file.slice(0, file.lastIndexOf('/'));
      const bundle = JSON.parse(await readText(folder, file)) as Bundle;
      const root = JSON.parse(await readText(folder, name, 'trusted_root.json')) as TrustedRoot;
      const got = await outcome(() => judge(bundle, root));
      cases.push({ case: name, expected: name.endsWith('_fail') ? 'reject' : 'accept', got });
    }
    return cases;
  },
};

function judge(bundle: Bundle, root: TrustedRoot): string {
  const [entry] = bundle.verificationMaterial.tlogEntries;
  const log = root.tlogs.find(({ logId, publicKey }) => logId.keyId === entry?.logId.keyId && publicKey.keyDetails === 'PKIX_ED25519');
  const proof = entry?.inclusionProof;
  if (log === undefined || entry === undefined || proof?.checkpoint === undefined) return 'reject';
  const origin = new URL(log.baseUrl).hostname;
  const key = createVerifier(origin, 'ed25519', rawKey(log.publicKey.rawBytes));
  const checkpoint = verifyCheckpoint(Buffer.from(proof.checkpoint.envelope), { origin, log: key });
  // Size and root are taken from the signed checkpoint; the copies beside it are not authenticated.
  verifyInclusion({
    index: BigInt(proof.logIndex),
    size: checkpoint.size,
    rootHash: checkpoint.rootHash,
    leafHash: leafHash(base64(entry.canonicalizedBody)),
    proof: proof.hashes.map(base64),
  });
  return 'accept';
}

function rawKey(spki: string): Uint8Array {
  const jwk = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(jwk.x ?? '', 'base64url'));
}

function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
