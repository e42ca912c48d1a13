import { Injectable } from '@nestjs/common';
import { In, type EntityManager } from 'typeorm';
import { fromBase64url, parseCanonicalJson } from '@strongroom/attestation-encoding';
import { MANIFEST, parseStatementValue, verifyManifest, type Manifest, type SealedMessage, type Signed } from '@strongroom/control-plane-contract';
import { AuditService } from '../audit/audit.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import { ReleaserClient } from '../keys/releaser-client.js';
import { Clock } from '../platform/clock.js';
import { refuseContractError } from '../platform/contract-refusal.js';
import { Database } from '../platform/database.js';
import { StrongroomError } from '../platform/errors.js';
import type { Person } from '../platform/principal.js';
import { TrustAnchors } from '../platform/trust-anchors.js';
import { AssetEntity, WrappedKeyEntity } from './asset.entity.js';

export interface WrappedKey {
  readonly shard: number;
  readonly wrapped: SealedMessage;
}

/** An asset with its manifest as it was registered. For showing: whether the manifest still holds is not said. */
export interface Asset {
  readonly entity: AssetEntity;
  readonly manifest: Manifest;
}

/** An asset whose manifest was verified just now. */
export interface AssetInForce {
  readonly entity: AssetEntity;
  readonly manifest: Signed<Manifest> & { readonly roles: readonly string[] };
}

// Serialises registrations of one asset.
const REGISTRATION_LOCK = 7_104_315;

/** The register of sealed weights: one custody manifest in force an asset, each version in the log. */
@Injectable()
export class AssetsService {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    private readonly documents: DocumentsService,
    private readonly trust: TrustAnchors,
    private readonly releaser: ReleaserClient,
  ) {}

  /**
   * Registers a manifest that both roles signed, with the wrapped key of every shard. The same manifest again answers the same.
   * A new version of an asset keeps its seal; weights sealed anew are a new asset.
   * @throws StrongroomError `statement-refused` | `manifest-refused` | `conflict`
   */
  async register(envelope: unknown, wrappedKeys: readonly WrappedKey[], actor: Person): Promise<Asset> {
    const manifest = refuseContractError(() => verifyManifest(envelope, this.trust.value, this.clock.now()));
    await this.assertFits(manifest.value, wrappedKeys);
    const { asset, version, seal_id: sealId } = manifest.value;
    return this.database.inTransaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [REGISTRATION_LOCK, asset.id]);
      const existing = await manager.findOne(AssetEntity, { where: { id: asset.id }, lock: { mode: 'pessimistic_write' } });
      if (existing?.manifestDigest === manifest.digest) return { entity: existing, manifest: manifest.value };
      if (existing !== null) assertSuccessor(existing, manifest.value);
      const { eventId } = await this.audit.record(manager, {
        kind: 'asset-change',
        message: `manifest version ${version} of asset ${asset.id} is in force`,
        chains: [`weights/${asset.id}`],
        actor,
        statement: { type: 'strongroom/log/manifest/v1', tenant: manifest.value.tenant, asset: asset.id, version, seal_id: sealId, manifest_digest: manifest.digest },
      });
      const entity = manager.create(AssetEntity, {
        id: asset.id, name: asset.name, class: asset.class, owner: asset.owner, state: 'registered', version, sealId, manifestDigest: manifest.digest, manifest: manifest.envelope, eventId,
      });
      await manager.save(entity);
      if (existing === null) await manager.insert(WrappedKeyEntity, wrappedKeys.map(({ shard, wrapped }) => ({ asset: asset.id, sealId, shard, wrapped })));
      return { entity, manifest: manifest.value };
    });
  }

  private async assertFits(manifest: Manifest, wrappedKeys: readonly WrappedKey[]): Promise<void> {
    const { enclave, kek } = manifest.key_service;
    if (!this.trust.value.key_service.some((known) => known.enclave === enclave && known.kek === kek)) {
      throw new StrongroomError('manifest-refused', 'the shard keys are wrapped for a key service the anchors do not name');
    }
    for (const name of manifest.enclaves) {
      if ((await this.documents.inForce('enclave', name)) === undefined) throw new StrongroomError('manifest-refused', `the manifest allows enclave ${name}, which is not in force`);
    }
    const shards = new Set(wrappedKeys.map(({ shard }) => shard));
    if (shards.size !== wrappedKeys.length || shards.size !== manifest.shards.length || manifest.shards.some(({ index }) => !shards.has(index))) {
      throw new StrongroomError('manifest-refused', 'there must be exactly one wrapped key a shard');
    }
  }

  /** @throws StrongroomError `not-found` */
  async get(id: string, manager: EntityManager = this.database.manager): Promise<Asset> {
    const entity = await manager.findOneBy(AssetEntity, { id });
    if (entity === null) throw new StrongroomError('not-found', 'no such asset is registered');
    return asRegistered(entity);
  }

  /** The asset with its manifest, verified again now. @throws StrongroomError `not-found` | `statement-refused` once it expired */
  async inForce(id: string, manager?: EntityManager): Promise<AssetInForce> {
    const { entity } = await this.get(id, manager);
    return { entity, manifest: refuseContractError(() => verifyManifest(entity.manifest, this.trust.value, this.clock.now())) };
  }

  async list(): Promise<Asset[]> {
    return (await this.database.manager.find(AssetEntity, { order: { id: 'ASC' }, take: 1000 })).map(asRegistered);
  }

  /** Wrapped keys of exactly these shards. */
  async wrappedKeys(asset: AssetEntity, shards: readonly number[]): Promise<WrappedKey[]> {
    const rows = await this.database.manager.find(WrappedKeyEntity, { where: { asset: asset.id, sealId: asset.sealId, shard: In([...shards]) }, order: { shard: 'ASC' } });
    return rows.map(({ shard, wrapped }) => ({ shard, wrapped }));
  }

  /** Ends every release of an asset, now and later. Final; asked again, the releaser is told again. */
  async revoke(id: string, actor: Person, reason: string): Promise<{ eventId: string }> {
    const recorded = await this.database.inTransaction(async (manager) => {
      const entity = await manager.findOne(AssetEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (entity === null) throw new StrongroomError('not-found', 'no such asset is registered');
      entity.state = 'revoked';
      await manager.save(entity);
      return this.audit.record(manager, { kind: 'access-revoked', message: `asset ${id} is revoked: ${reason}`, chains: [`weights/${id}`], actor, severity: 'high' });
    });
    await this.releaser.call('revoke', { kind: 'asset', id, reason });
    return recorded;
  }
}

/** Its signatures were verified before it was stored. */
function asRegistered(entity: AssetEntity): Asset {
  return { entity, manifest: parseStatementValue(MANIFEST, parseCanonicalJson(fromBase64url(entity.manifest.payload), MANIFEST.maxBytes)) };
}

function assertSuccessor(existing: AssetEntity, manifest: Manifest): void {
  if (existing.state !== 'registered') throw new StrongroomError('conflict', 'the asset is revoked');
  if (existing.version >= manifest.version) throw new StrongroomError('conflict', `version ${existing.version} is in force already; sign a higher one`);
  if (existing.sealId !== manifest.seal_id) throw new StrongroomError('conflict', 'weights sealed anew are a new asset');
}
