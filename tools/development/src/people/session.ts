import { randomBytes, sign } from 'node:crypto';
import { httpApi } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import { DevelopmentError } from '../errors.js';
import type { ApiCall, ApiClient } from './api-client.js';
import type { Person } from './person.js';

const ASSERTION_SECONDS = 60;
/** A session is renewed before it ends, so that no call meets its end. */
const MARGIN_MS = 60_000;

/** A person signed in, as long as needed: the first call signs in, and so does the first after the session's end. */
export class Session {
  #token: { readonly value: string; readonly until: number } | undefined;

  constructor(
    readonly person: Person,
    private readonly api: ApiClient,
  ) {}

  async call<S extends z.ZodType>(call: Omit<ApiCall, 'token'>, answer: S): Promise<z.infer<S>> {
    return this.api.call({ ...call, token: await this.token() }, answer);
  }

  async token(): Promise<string> {
    const now = Date.now();
    if (this.#token !== undefined && now < this.#token.until) return this.#token.value;
    const session = await this.api.call({ method: 'POST', path: '/v1/sessions', body: { assertion: signInAssertion(this.person, this.api.audience, new Date(now)) } }, httpApi.session);
    if (session.token === undefined) throw new DevelopmentError('request-refused', 'signing in gave no token', { reason: 'answer-malformed' });
    this.#token = { value: session.token, until: Date.parse(session.expires_at) - MARGIN_MS };
    return session.token;
  }
}

/** A JWT (RFC 7523 section 3, EdDSA by RFC 8037) that says: it is me, for this audience, once, within a minute. */
export function signInAssertion(person: Person, audience: string, now: Date): string {
  const iat = Math.floor(now.getTime() / 1000);
  const header = { alg: 'EdDSA', typ: 'JWT', kid: person.signerKey('sign-in').keyid };
  const claims = { iss: person.id, sub: person.id, aud: audience, iat, exp: iat + ASSERTION_SECONDS, jti: randomBytes(24).toString('base64url') };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${sign(null, Buffer.from(signed), person.privateKey('sign-in')).toString('base64url')}`;
}
