import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalBytes, canonicalDigest, fromBase64url, toBase64url } from '@strongroom/attestation-encoding';
import { activationMessage, NODE_BINDING, signStatement, toInstant, verifyNodeRegistration, type NodeBinding, type ReleaserOperations } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { nextBindingVersion, storeBinding } from '../database/bindings.js';
import { lock, LOCK, type Transaction } from '../database/database.js';
import { responseDigest, storeEnrolment, takeEnrolment, type PendingEnrolment } from '../database/enrolments.js';
import { raiseMarks, type Mark } from '../database/high-water.js';
import { requireUnrevoked } from '../database/revocations.js';
import { ReleaserError } from '../errors.js';
import { verifyMachine } from './endorsement.js';

type Begin = ReleaserOperations['enrol-begin'];
type Complete = ReleaserOperations['enrol-complete'];

export const ENROLMENT_SECONDS = 300;
/** A binding ends with its registration, and in no case later than this. */
export const BINDING_SECONDS = 366 * 86_400;

/**
 * Challenges a machine to show that it is the one two people registered: it gets a secret that only the registered hardware,
 * holding the attestation key it named, can open (protocol rule 7).
 * @throws ContractError `statement-*`; ReleaserError `release-revoked` | `node-registration` | `node-endorsement`; Tpm2Error
 */
export async function beginEnrolment(context: ReleaserContext, request: Begin['request']): Promise<Begin['answer']> {
  const { anchors, database, random } = context;
  const now = context.now();
  const registration = verifyNodeRegistration(request.registration, anchors.value, now);
  const { value } = registration;
  if (!context.evidenceKinds.includes(value.kind)) throw new ReleaserError('node-registration', 'this profile takes no such evidence');
  await requireUnrevoked(database, { node: value.node });
  await raiseMarks(database, [registrationMark(value, registration.digest)]);
  const machine = verifyMachine(request.endorsement, value, now);
  const secret = random(32);
  try {
    const { credentialBlob, encryptedSecret } = machine.seal(secret, random);
    const message = { tenant: anchors.value.tenant, node: value.node, ak_name: machine.akName, csr_digest: request.csr_digest, mtls_key_digest: request.mtls_key_digest };
    const expected = new Uint8Array(createHmac('sha256', secret).update(canonicalBytes(activationMessage(message))).digest());
    const expiresAt = wholeSeconds(now, ENROLMENT_SECONDS);
    const enrolment: PendingEnrolment = {
      id: context.newId(),
      node: value.node,
      enclave: value.enclave,
      kind: value.kind,
      hardware: machine.hardware,
      hardwareId: value.hardware_id,
      akName: machine.akName,
      mtlsKeyDigest: request.mtls_key_digest,
      csrDigest: request.csr_digest,
      registrationDigest: registration.digest,
      registrationExpiresAt: new Date(value.expires_at),
      responseDigest: responseDigest(expected),
      expiresAt,
    };
    expected.fill(0);
    await storeEnrolment(database, enrolment, now);
    return { enrolment: enrolment.id, challenge: { credential_blob: toBase64url(credentialBlob), encrypted_secret: toBase64url(encryptedSecret) }, expires_at: toInstant(expiresAt) };
  } finally {
    secret.fill(0);
  }
}

/**
 * Binds the machine that answered: its attestation key and mTLS key are the node's from now on, and an earlier binding is not.
 * One attempt: right or wrong, the challenge is gone.
 * @throws ReleaserError `activation-mismatch` | `activation-expired` | `release-revoked` | `node-registration`
 */
export async function completeEnrolment(context: ReleaserContext, request: Complete['request']): Promise<Complete['answer']> {
  const { database } = context;
  const now = context.now();
  const enrolment = await database.transaction((transaction) => takeEnrolment(transaction, request.enrolment));
  // An unknown enrolment and a wrong answer look alike.
  if (enrolment === undefined || !timingSafeEqual(responseDigest(fromBase64url(request.response, 32)), enrolment.responseDigest)) {
    throw new ReleaserError('activation-mismatch', 'the machine did not open the challenge; begin again');
  }
  if (!(now < enrolment.expiresAt) || !(now < enrolment.registrationExpiresAt)) throw new ReleaserError('activation-expired', 'the challenge has expired; begin again');
  return { binding: await database.transaction((transaction) => bind(context, transaction, enrolment, now)) };
}

async function bind(context: ReleaserContext, transaction: Transaction, enrolment: PendingEnrolment, now: Date): Promise<Complete['answer']['binding']> {
  await lock(transaction, LOCK.node, enrolment.node);
  await requireUnrevoked(transaction, { node: enrolment.node });
  await requireLatestRegistration(transaction, enrolment);
  const expiresAt = Math.min(enrolment.registrationExpiresAt.getTime(), wholeSeconds(now, BINDING_SECONDS).getTime());
  const binding: NodeBinding = {
    type: 'strongroom/node-binding/v1',
    tenant: context.anchors.value.tenant,
    version: await nextBindingVersion(transaction, enrolment.node),
    issued_at: toInstant(now),
    expires_at: toInstant(new Date(expiresAt)),
    node: enrolment.node,
    enclave: enrolment.enclave,
    kind: enrolment.kind,
    hardware: enrolment.hardware,
    hardware_id: enrolment.hardwareId,
    ak_name: enrolment.akName,
    mtls_key_digest: enrolment.mtlsKeyDigest,
    csr_digest: enrolment.csrDigest,
    registration_digest: enrolment.registrationDigest,
  };
  const envelope = signStatement(NODE_BINDING, binding, [context.signingKey]);
  await storeBinding(transaction, binding, canonicalDigest(binding), envelope);
  return { ...envelope, signatures: [...envelope.signatures] };
}

/** A newer registration, signed while the machine was answering, wins. */
async function requireLatestRegistration(transaction: Transaction, { node, registrationDigest }: PendingEnrolment): Promise<void> {
  const { rows } = await transaction.query<{ digest: string }>(`SELECT digest FROM high_water WHERE kind = 'registration' AND subject = $1`, [node]);
  if (rows[0]?.digest !== registrationDigest) throw new ReleaserError('node-registration', 'the node was registered anew; begin again');
}

function registrationMark(value: { readonly node: string; readonly version: number }, digest: string): Mark {
  return { kind: 'registration', subject: value.node, version: value.version, digest };
}

function wholeSeconds(from: Date, seconds: number): Date {
  return new Date((Math.floor(from.getTime() / 1000) + seconds) * 1000);
}
