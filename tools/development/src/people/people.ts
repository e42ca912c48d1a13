import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalDigest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import {
  ENCLAVE,
  httpApi,
  MANIFEST,
  NODE_REGISTRATION,
  parseStatementValue,
  POLICY,
  ROSTER,
  shortDigest,
  signStatement,
  verifyEnclaveDocument,
  verifyManifest,
  verifyPolicyEnvelope,
  verifyRoster,
  type Anchors,
  type EnclaveDocument,
  type Manifest,
  type NodeRegistration,
  type PolicyEnvelope,
  type Roster,
  type StatementKind,
} from '@strongroom/control-plane-contract';
import { z } from 'zod';
import { dated, stillGood, type DatedMembers } from '../documents/dated.js';
import { enclaveBody, type EnclaveWish } from '../documents/enclave.js';
import { bundleDigest, bundleDigests } from '../documents/policy-bundle.js';
import { together, type Founding } from '../genesis/found.js';
import { readPrivateFile, writePrivateFile } from '../home/private-file.js';
import { ApiClient } from './api-client.js';
import { Approver } from './approver.js';
import { Auditor, type LogExport } from './auditor.js';
import { Custodian, readDraft } from './custodian.js';
import { openPersons, type Person } from './person.js';
import { PERSON_NAMES, type KeyUse, type PersonName } from './person-names.js';
import { Requester, type AccessWish, type RequestView } from './requester.js';
import { Session } from './session.js';
import { trustOf, type PeopleTrust } from './trust.js';

export type ReleaseView = z.infer<typeof httpApi.releaseView>;
export type AssetView = z.infer<typeof httpApi.assetView>;

export interface PeopleSite {
  readonly peopleFolder: string;
  readonly founding: Founding;
  /** Port people are served on. */
  readonly port: number;
}

/** What became of a document: put in force now, or found to be good still. */
export interface Standing {
  readonly version: number;
  readonly digest: string;
  /** Absent where nothing had to be registered. */
  readonly logIndex?: string;
}

export interface NodeWish {
  readonly node: string;
  readonly enclave: string;
  readonly kind: 'tpm2' | 'software';
  readonly hardwareId: string;
  /** Root that certified a development TPM. */
  readonly endorsementRoot?: string | undefined;
}

export interface RegisteredAsset {
  readonly id: string;
  readonly manifestDigest: string;
  readonly shortDigest: string;
  readonly logIndex: string;
  readonly shards: readonly number[];
  readonly bytes: number;
}

/**
 * Everybody, each with their own keys and session, and the things they do together. The production routes are the only way out:
 * nothing here reaches into a database or another program.
 */
export class People {
  readonly trust: PeopleTrust;
  readonly persons: Readonly<Record<PersonName, Person>>;
  readonly sessions: Readonly<Record<PersonName, Session>>;
  readonly requester: Requester;
  readonly approvers: { readonly owner: Approver; readonly security: Approver };
  readonly custodians: readonly [Custodian, Custodian];
  readonly auditor: Auditor;
  readonly api: ApiClient;
  private readonly peopleFolder: string;

  constructor(site: PeopleSite, now: Date = new Date()) {
    this.trust = trustOf(site.founding, now);
    this.peopleFolder = site.peopleFolder;
    this.persons = openPersons(site.peopleFolder);
    const { approval } = this.trust.anchors.value;
    this.api = new ApiClient(site.port, { people: 'localhost', approval: approval.rp_id });
    this.sessions = Object.fromEntries(PERSON_NAMES.map((name) => [name, new Session(this.persons[name], this.api)])) as Record<PersonName, Session>;
    const { persons, sessions, trust } = this;
    this.requester = new Requester(sessions.requester);
    const approvalSite = { rpId: approval.rp_id, origin: approvalOrigin(approval.origins, site.port) };
    this.approvers = { owner: new Approver(sessions['owner-approver'], trust, approvalSite), security: new Approver(sessions['security-approver'], trust, approvalSite) };
    this.custodians = [new Custodian(persons['manifest-owner'], trust), new Custodian(persons['manifest-security'], trust)];
    this.auditor = new Auditor(sessions.auditor, this.api, trust);
  }

  get anchors(): Anchors {
    return this.trust.anchors.value;
  }

  // ── Documents: each looks at what stands, and signs anew only when something else is meant or it is about to expire ──────

  /** Everybody's keys and factors, signed by both roots. */
  async putRosterInForce(now: Date = new Date()): Promise<Standing> {
    const { roster } = await this.documents();
    const standing = roster === null ? undefined : verifyRoster(roster, this.anchors, now).value;
    const meant = (version: number): Roster => ({ type: 'strongroom/roster/v1', ...dated(this.anchors.tenant, version, now), people: PERSON_NAMES.map((name) => this.persons[name].rosterEntry()) });
    return this.putInForce(ROSTER, standing, meant, { signers: this.signers('policy-signer', 'root'), path: '/v1/rosters', by: undefined, now });
  }

  /** The policy bundle of this checkout under `revision`, signed by both policy signers. */
  async putPolicyInForce(revision: number, now: Date = new Date()): Promise<Standing> {
    const { policy } = await this.documents();
    const standing = policy === null ? undefined : verifyPolicyEnvelope(policy, this.anchors, now).value;
    const digests = { ...bundleDigests(), policy_digest: bundleDigest(revision) };
    const meant = (version: number): PolicyEnvelope => ({ type: 'strongroom/policy/v1', ...dated(this.anchors.tenant, version, now), profile: 'development', revision, ...digests });
    return this.putInForce(POLICY, standing, meant, { signers: this.signers('policy-signer', 'policy'), path: '/v1/policies', by: 'policy-signer-1', now });
  }

  /** The enclave the nodes live in, with their reference values, signed by both policy signers and brought by the engineer. */
  async putEnclaveInForce(wish: EnclaveWish, now: Date = new Date()): Promise<Standing> {
    const { enclaves } = await this.documents();
    const standing = enclaves.map((envelope) => verifyEnclaveDocument(envelope, this.anchors, now).value).find(({ enclave }) => enclave.id === wish.id);
    const { tenant } = this.anchors;
    const meant = (version: number): EnclaveDocument => ({ type: 'strongroom/enclave/v1', ...dated(tenant, version, now), enclave: enclaveBody({ ...wish, tenant, version }) });
    return this.putInForce(ENCLAVE, standing, meant, { signers: this.signers('policy-signer', 'policy'), path: '/v1/enclaves', by: 'platform-engineer', now });
  }

  /**
   * Both registrars name a machine; only that one can then enrol as the node. What they signed is on their disk before it is sent,
   * and sending it again changes nothing: an interrupted registration is gone on with, not contradicted.
   */
  async registerNode(wish: NodeWish, now: Date = new Date()): Promise<Standing> {
    const file = join(this.peopleFolder, 'registrar-1', `registration-${wish.node}.json`);
    const standing = readRegistration(file);
    const meant = (version: number): NodeRegistration => ({
      type: 'strongroom/node-registration/v1',
      ...dated(this.anchors.tenant, version, now),
      node: wish.node,
      enclave: wish.enclave,
      kind: wish.kind,
      hardware_id: wish.hardwareId,
      endorsement_roots: wish.endorsementRoot === undefined ? [] : [wish.endorsementRoot],
    });
    const good = standing !== undefined && stillGood(standing, meant(standing.version), now);
    const registration = good ? standing : meant((standing?.version ?? 0) + 1);
    writePrivateFile(file, JSON.stringify(registration));
    const envelope = together(this.signers('registrar', 'registrar'), (sign) => sign(NODE_REGISTRATION, registration));
    await this.sessions['platform-engineer'].call({ method: 'POST', path: '/v1/nodes', body: { envelope } }, httpApi.nodeView);
    return { version: registration.version, digest: canonicalDigest(registration) };
  }

  // ── Assets ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Both custodians check the sealed files and sign; the engineer registers manifest and wrapped keys. */
  async registerAsset(folder: string, now: Date = new Date()): Promise<RegisteredAsset> {
    const [owner, security] = await Promise.all(this.custodians.map((custodian) => custodian.sign(folder)));
    if (owner === undefined || security === undefined) throw new RangeError('two custodians sign');
    const envelope = together([owner, security], (signed) => signed);
    const manifest = verifyManifest(envelope, this.anchors, now);
    const wrappedKeys = z.array(httpApi.wrappedKey).parse(JSON.parse(await readFile(join(folder, 'wrapped-keys.json'), 'utf8')));
    const asset = await this.postAsset(envelope, wrappedKeys);
    return {
      id: asset.id,
      manifestDigest: manifest.digest,
      shortDigest: shortDigest(manifest.digest),
      logIndex: asset.log_index,
      shards: manifest.value.shards.map(({ index }) => index),
      bytes: asset.bytes,
    };
  }

  postAsset(manifest: DsseEnvelope, wrappedKeys: readonly z.infer<typeof httpApi.wrappedKey>[]): Promise<z.infer<typeof httpApi.assetDetail>> {
    return this.sessions['platform-engineer'].call({ method: 'POST', path: '/v1/assets', body: { manifest, wrapped_keys: wrappedKeys } }, httpApi.assetDetail);
  }

  /** A manifest with another version or terms, signed by both: for whoever changes one. */
  signManifest(value: Manifest): DsseEnvelope {
    return together([this.persons['manifest-owner'], this.persons['manifest-security']], (person) => signStatement(MANIFEST, value, [person.privateKey('manifest')]));
  }

  readManifestDraft(folder: string): Promise<Manifest> {
    return readDraft(folder);
  }

  assets(): Promise<AssetView[]> {
    return this.sessions['platform-engineer'].call({ method: 'GET', path: '/v1/assets' }, z.array(httpApi.assetView));
  }

  // ── Access ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  request(wish: AccessWish): Promise<RequestView> {
    return this.requester.request(wish);
  }

  /** One approver looks, signs and sends. */
  async approve(factor: 'owner' | 'security', request: string): Promise<{ readonly shortDigest: string; readonly view: RequestView }> {
    const vote = await this.approvers[factor].decide(request, 'approve');
    return { shortDigest: vote.shortDigest, view: await this.approvers[factor].submit(vote) };
  }

  async deny(factor: 'owner' | 'security', request: string): Promise<RequestView> {
    return this.approvers[factor].submit(await this.approvers[factor].decide(request, 'deny'));
  }

  revoke(request: string, reason: string): Promise<z.infer<typeof httpApi.revocation>> {
    return this.approvers.security.revoke(request, reason);
  }

  releases(request: string): Promise<ReleaseView[]> {
    return this.approvers.security.session.call({ method: 'GET', path: `/v1/requests/${request}/releases` }, z.array(httpApi.releaseView));
  }

  exportLog(folder: string): Promise<LogExport> {
    return this.auditor.exportLog(folder);
  }

  documents(): Promise<z.infer<typeof httpApi.documentBundle>> {
    return this.api.call({ method: 'GET', path: '/v1/documents' }, httpApi.documentBundle);
  }

  private async putInForce<T extends DatedMembers>(
    kind: StatementKind<z.ZodType<T>>,
    standing: T | undefined,
    meant: (version: number) => T,
    how: { readonly signers: readonly Sign[]; readonly path: string; readonly by: PersonName | undefined; readonly now: Date },
  ): Promise<Standing> {
    if (standing !== undefined && stillGood(standing, meant(standing.version), how.now)) return { version: standing.version, digest: canonicalDigest(standing) };
    const value = meant((standing?.version ?? 0) + 1);
    const envelope = together(how.signers, (sign) => sign(kind, value));
    const call = { method: 'POST', path: how.path, body: { envelope } } as const;
    const registered = await (how.by === undefined ? this.api.call(call, httpApi.registeredDocument) : this.sessions[how.by].call(call, httpApi.registeredDocument));
    return { version: registered.version, digest: registered.digest, logIndex: registered.log_index };
  }

  private signers(pair: 'policy-signer' | 'registrar', use: KeyUse): readonly Sign[] {
    return ([`${pair}-1`, `${pair}-2`] as const).map((name) => (kind, value) => signStatement(kind, value, [this.persons[name].privateKey(use)]));
  }
}

type Sign = <S extends z.ZodType>(kind: StatementKind<S>, value: z.infer<S>) => DsseEnvelope;

function readRegistration(file: string): NodeRegistration | undefined {
  return existsSync(file) ? parseStatementValue(NODE_REGISTRATION, JSON.parse(Buffer.from(readPrivateFile(file)).toString('utf8'))) : undefined;
}

/** The origin of this port where the anchors name it; else the first they name, which is the one of the genesis. */
export function approvalOrigin(origins: readonly string[], port: number): string {
  return origins.find((origin) => new URL(origin).port === String(port)) ?? origins[0] ?? '';
}
