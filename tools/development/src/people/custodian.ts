import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalDigest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { MANIFEST, parseStatementValue, signStatement, type Manifest, type ManifestShard } from '@strongroom/control-plane-contract';
import { DevelopmentError } from '../errors.js';
import type { Person } from './person.js';
import type { PeopleTrust } from './trust.js';

/** Signs custody manifests in one role, after looking at the sealed files. */
export class Custodian {
  constructor(
    readonly person: Person,
    private readonly trust: PeopleTrust,
  ) {}

  /**
   * Signs a draft once every sealed file beside it has the size and digest the draft states, the tensor map has its digest, the
   * keys are wrapped for a key service of the anchors, and two people are asked for at least.
   * @param folder with `manifest.json`, `tensors.json` and the sealed shards.
   * @throws DevelopmentError `statement-doubtful`
   */
  async sign(folder: string): Promise<DsseEnvelope> {
    const manifest = await readDraft(folder);
    this.assertMeant(manifest);
    for (const shard of manifest.shards) await assertShard(folder, shard);
    const tensors: unknown = JSON.parse(await readFile(join(folder, 'tensors.json'), 'utf8'));
    if (canonicalDigest(tensors) !== manifest.tensors.digest) throw doubtful('the tensor map is not the one the manifest names');
    return signStatement(MANIFEST, manifest, [this.person.privateKey('manifest')]);
  }

  private assertMeant({ tenant, key_service, quorum, enclaves }: Manifest): void {
    const anchors = this.trust.anchors.value;
    if (tenant !== anchors.tenant) throw doubtful('the manifest is of another tenant');
    const known = anchors.key_service.some(({ enclave, kek }) => enclave === key_service.enclave && kek === key_service.kek);
    if (!known || !enclaves.includes(key_service.enclave)) throw doubtful('the shard keys are wrapped for a key service we do not know');
    if ((quorum.read_shard.owner ?? 0) < 1 || (quorum.read_shard.security ?? 0) < 1) throw doubtful('the manifest does not ask for an owner and for security');
  }
}

export async function readDraft(folder: string): Promise<Manifest> {
  try {
    return parseStatementValue(MANIFEST, JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
  } catch (cause) {
    throw new DevelopmentError('statement-doubtful', `${join(folder, 'manifest.json')} is not a manifest: seal the weights anew`, { cause });
  }
}

async function assertShard(folder: string, shard: ManifestShard): Promise<void> {
  const file = join(folder, `${shard.path}.sealed`);
  const hash = createHash('sha256');
  try {
    if ((await stat(file)).size !== shard.ciphertext_bytes) throw doubtful(`${shard.path} has another size than the manifest states`);
    for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  } catch (cause) {
    if (cause instanceof DevelopmentError) throw cause;
    throw new DevelopmentError('statement-doubtful', `${shard.path} cannot be read: seal the weights anew`, { cause });
  }
  if (`sha256:${hash.digest('hex')}` !== shard.ciphertext_digest) throw doubtful(`${shard.path} is not the file that was sealed`);
}

function doubtful(message: string): DevelopmentError {
  return new DevelopmentError('statement-doubtful', `${message}: not signed; seal the weights anew`);
}
