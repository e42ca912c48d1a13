import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { ed25519KeyId, toBase64url } from '@strongroom/attestation-encoding';
import { parseStatementValue, ROSTER, type Roster } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';

export interface SignInParts {
  readonly person: string;
  /** Origin of the API; an assertion for one server is worth nothing at another. */
  readonly audience: string;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
}

const LIFETIME_SECONDS = 45;

/** A JWT (RFC 7523 section 3 shape) that signs `person` in: EdDSA, one audience, one use, under a minute. */
export function signInAssertion(key: KeyObject, { person, audience, now, random }: SignInParts): string {
  const iat = Math.floor(now.getTime() / 1000);
  const header = { alg: 'EdDSA', typ: 'JWT', kid: ed25519KeyId(createPublicKey(key)) };
  const claims = { iss: person, sub: person, aud: audience, iat, exp: iat + LIFETIME_SECONDS, jti: toBase64url(random(24)) };
  const signed = [header, claims].map((part) => toBase64url(Buffer.from(JSON.stringify(part)))).join('.');
  return `${signed}.${toBase64url(new Uint8Array(sign(null, Buffer.from(signed), key)))}`;
}

/**
 * Who holds this key, by the roster the server shows. The roster is not verified here: a wrong name in it only makes the sign-in fail.
 * @throws CliError `key-unsuitable` when it is nobody's
 */
export function personOfKey(key: KeyObject, envelope: unknown): string {
  const keyId = ed25519KeyId(createPublicKey(key));
  const person = rosterOf(envelope)?.people.find((candidate) => candidate.sign_in_keys.some(({ keyid }) => keyid === keyId));
  if (person === undefined) throw new CliError('key-unsuitable', `the roster names nobody with the sign-in key ${keyId}`, { remedy: 'give --person ID, or have the roster signed with this key in it' });
  return person.id;
}

function rosterOf(envelope: unknown): Roster | undefined {
  try {
    const { payload } = envelope as { payload: string };
    return parseStatementValue(ROSTER, JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}
