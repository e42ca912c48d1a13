import { createPublicKey } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { fromBase64url } from '@strongroom/attestation-encoding';
import type { Roster, RosterPerson } from '@strongroom/control-plane-contract';
import { StrongroomError } from '../platform/errors.js';

export interface SignedIn {
  readonly person: RosterPerson;
  readonly keyId: string;
  readonly assertionId: string;
}

const MAX_LIFETIME_SECONDS = 60;

/**
 * Verifies a sign-in assertion: a JWT (RFC 7523 section 3 shape) signed with EdDSA by a sign-in key of the roster, for our
 * audience, at most a minute long. Whether its id was used before is the caller's question.
 * @throws StrongroomError `authentication-failed`, whatever the reason: an answer that told them apart would help a guesser.
 */
export async function verifySignInAssertion(assertion: string, roster: Roster, audience: string, now: Date): Promise<SignedIn> {
  try {
    const { kid } = decodeProtectedHeader(assertion);
    const { sub } = decodeJwt(assertion);
    const person = roster.people.find((candidate) => candidate.id === sub);
    const key = person?.sign_in_keys.find((candidate) => candidate.keyid === kid);
    if (person === undefined || key === undefined) throw new Error('no such person or key');
    const publicKey = createPublicKey({ key: Buffer.from(fromBase64url(key.public_key, 64)), format: 'der', type: 'spki' });
    const { payload } = await jwtVerify(assertion, publicKey, {
      algorithms: ['EdDSA'],
      typ: 'JWT',
      audience,
      issuer: person.id,
      subject: person.id,
      currentDate: now,
      clockTolerance: 5,
      maxTokenAge: MAX_LIFETIME_SECONDS,
      requiredClaims: ['iss', 'sub', 'aud', 'iat', 'exp', 'jti'],
    });
    const { jti, iat, exp } = payload;
    if (typeof jti !== 'string' || !/^[A-Za-z0-9_-]{22,64}$/.test(jti) || (exp ?? Infinity) - (iat ?? 0) > MAX_LIFETIME_SECONDS) throw new Error('claims');
    return { person, keyId: key.keyid, assertionId: jti };
  } catch (cause) {
    throw new StrongroomError('authentication-failed', undefined, { cause });
  }
}
