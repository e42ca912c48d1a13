import type { Reason } from './errors.js';

/** A signed-in person. Personal data stays behind `id`. */
export interface Person {
  readonly kind: 'person';
  /** UUIDv7 of the account. */
  readonly id: string;
  readonly tenant: string;
  readonly sessionId: string;
}

/** An enrolled machine, known by the certificate of its connection. */
export interface Node {
  readonly kind: 'node';
  /** UUIDv7 of the node record. */
  readonly id: string;
  readonly tenant: string;
  /** Lowercase hex serial number of the certificate. */
  readonly serial: string;
  /** SHA-256 of the DER SubjectPublicKeyInfo of the connection's key (protocol rule 7). */
  readonly keyDigest: string;
}

export interface Anyone {
  readonly kind: 'anyone';
}

export type Principal = Person | Node | Anyone;

/** Turns an opaque session token into a person. Given by the domain that keeps sessions, which stores only digests of tokens. */
export abstract class SessionVerifier {
  /** The person behind a session in force, else undefined; never says why not. */
  abstract verifySession(token: string): Promise<Person | undefined>;
}

/** Says whether a node certificate still counts. Given by the domain that keeps nodes. */
export abstract class NodeRegistry {
  /** False for an unknown node, an unknown or revoked serial, a node cut off. */
  abstract acceptsCertificate(nodeId: string, serial: string): Promise<boolean>;
}

export interface AccessQuestion {
  readonly principal: Principal;
  /** As the route declares it, for example `request.create`. */
  readonly action: string;
  /** What the route's address names: `{ request: '0192…' }`. */
  readonly resource: Readonly<Record<string, string>>;
  /** The body as parsed, not yet validated; a domain may read from it what its action is about. */
  readonly body: unknown;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reasons: readonly Reason[];
}

/** The policy decision point as the guard sees it. Given by the policies domain. */
export abstract class AccessDecider {
  abstract decideAccess(question: AccessQuestion): Promise<Decision>;
}
