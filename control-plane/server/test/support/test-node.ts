import 'reflect-metadata';
import { createPrivateKey, webcrypto, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { canonicalDigest, digestOf, fromBase64url, toBase64url } from '@strongroom/attestation-encoding';
import type { EvidencePurpose, PcrBank } from '@strongroom/attestation-model';
import { generateTransportKey, openFrom, releaseInfo, verifyRelease, type ReleaseAnswer, type TransportKeyPair } from '@strongroom/control-plane-contract';
import { activationResponse, GOOD_PCRS, type FakeNode, type SignedWorld } from '@strongroom/tests-fixtures';
import { ask, type Answer, type Ask, type Tls } from './http-client.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface Listener {
  readonly port: number;
  readonly ca: string;
}

/** What a node sends for one release, kept so that it can send it again. */
export interface ReleaseAttempt {
  readonly transport: TransportKeyPair;
  readonly body: { readonly release_id: string; readonly request_id: string; readonly nonce: string; readonly transport_key: string; readonly evidence: object; readonly lease_nonce: string };
}

/** A machine as the server meets it: a key for its connection, evidence of its state, and an agent's own judgement. */
export class TestNode {
  certificate: string | undefined;
  #attempts = 0;

  private constructor(
    readonly world: SignedWorld,
    readonly id: string,
    readonly machine: FakeNode,
    private readonly privateKeyPem: string,
    readonly mtlsKeyDigest: string,
    readonly csr: Uint8Array,
    private listener: Listener,
  ) {}

  static async create(world: SignedWorld, listener: Listener, options: { readonly id?: string; readonly machine?: FakeNode } = {}): Promise<TestNode> {
    const keys = (await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']));
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=node', keys, signingAlgorithm: P256 }, webcrypto);
    const pem = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    const mtlsKeyDigest = digestOf(new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey)));
    return new TestNode(world, options.id ?? world.nodeId, options.machine ?? world.node, pem, mtlsKeyDigest, new Uint8Array(csr.rawData), listener);
  }

  get key(): KeyObject {
    return createPrivateKey(this.privateKeyPem);
  }

  /** After a restart the server listens elsewhere. */
  moveTo(listener: Listener): void {
    this.listener = listener;
  }

  /** @param certificate empty to come without one */
  ask(question: Ask, certificate = this.certificate ?? ''): Promise<Answer> {
    const tls: Tls = { ca: this.listener.ca, ...(certificate === '' ? {} : { cert: certificate, key: this.privateKeyPem }) };
    return ask(question, this.listener.port, tls);
  }

  beginEnrolment(): Promise<Answer> {
    return this.ask({ path: '/v1/enrolments', body: { node: this.id, endorsement: this.machine.endorsement, csr: toBase64url(this.csr) } });
  }

  /** Proves to be the registered machine, and keeps the certificate. */
  async enrol(): Promise<Answer> {
    const begun = await this.beginEnrolment();
    if (begun.status !== 201) return begun;
    const { enrolment, challenge } = begun.json as { enrolment: string; challenge: Parameters<FakeNode['open']>[0] };
    const message = { tenant: this.world.tenant, node: this.id, ak_name: this.machine.akName, csr_digest: digestOf(this.csr), mtls_key_digest: this.mtlsKeyDigest };
    const answer = await this.ask({ path: `/v1/enrolments/${enrolment}/activation`, body: { response: activationResponse(this.machine.open(challenge), message) } });
    if (answer.status === 200) this.certificate = (answer.json as { certificate: string }).certificate;
    return answer;
  }

  async challenge(purpose: EvidencePurpose): Promise<string> {
    const { status, json, text } = await this.ask({ path: '/v1/node/challenges', body: { purpose } });
    if (status !== 201) throw new Error(`no challenge: ${text}`);
    return (json as { nonce: string }).nonce;
  }

  evidence(purpose: EvidencePurpose, nonce: string, transportKeyDigest: string, pcrs: readonly PcrBank[] = GOOD_PCRS): object {
    const { world, machine, mtlsKeyDigest } = this;
    return machine.attest({ tenant: world.tenant, node: this.id, akName: machine.akName, purpose, nonce: fromBase64url(nonce, 32), transportKeyDigest, mtlsKeyDigest }, pcrs);
  }

  async attest(pcrs?: readonly PcrBank[]): Promise<Answer> {
    const transport = await generateTransportKey();
    const nonce = await this.challenge('enrol');
    return this.ask({ path: '/v1/node/attestations', body: { nonce, transport_key: transport.publicKey, evidence: this.evidence('enrol', nonce, transport.digest, pcrs) } });
  }

  /** A fresh attempt at one release: own id, transport key, nonce, evidence. */
  async attempt(request: string): Promise<ReleaseAttempt> {
    const transport = await generateTransportKey();
    const nonce = await this.challenge('release');
    const label = `${this.id} ${request} ${String(++this.#attempts)}`;
    const body = {
      release_id: this.world.seed.uuid(`release ${label}`),
      request_id: request,
      nonce,
      transport_key: transport.publicKey,
      evidence: this.evidence('release', nonce, transport.digest),
      lease_nonce: toBase64url(this.world.seed.bytes(`lease ${label}`)),
    };
    return { transport, body };
  }

  send({ body }: ReleaseAttempt): Promise<Answer> {
    return this.ask({ path: '/v1/node/releases', body });
  }

  async renew({ transport, body }: ReleaseAttempt, pcrs?: readonly PcrBank[]): Promise<Answer> {
    const nonce = await this.challenge('renew');
    return this.ask({ path: `/v1/node/releases/${body.release_id}/renewals`, body: { nonce, evidence: this.evidence('renew', nonce, transport.digest, pcrs), lease_nonce: body.lease_nonce } });
  }

  /** The agent's own judgement of an answer, and the shard keys if it accepts. @throws ContractError */
  async open({ transport, body }: ReleaseAttempt, answer: ReleaseAnswer): Promise<Map<number, Uint8Array>> {
    const { world } = this;
    const verified = verifyRelease(answer.material, { anchors: world.anchors.value, policy: world.engine, now: world.now(), maxAgeSeconds: 120 });
    const { statement, entry } = verified;
    const same = statement.release_id === body.release_id && statement.transport_key_digest === transport.digest && statement.evidence_digest === canonicalDigest(body.evidence) && statement.node === this.id;
    if (!same) throw new Error('the answer is of another release');
    const keys = new Map<number, Uint8Array>();
    for (const { shard, sealed } of answer.keys) keys.set(shard, await openFrom(transport.privateKey, sealed, releaseInfo(statement, shard), entry.leafHash));
    return keys;
  }
}
