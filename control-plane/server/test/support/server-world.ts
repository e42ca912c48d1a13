import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { toBase64url } from '@strongroom/attestation-encoding';
import { toSignerKey, type Anchors, type Roster } from '@strongroom/control-plane-contract';
import { weightVault } from '@strongroom/infra-enclave';
import { createWorld, type Person as WorldPerson, type SignedWorld, type WorldOptions } from '@strongroom/tests-fixtures';

/** Who signs in, and in which roles; the first four are also the world's people. */
export const ROLES = {
  requester: ['requester'],
  owner: ['approver'],
  security: ['approver', 'security'],
  stranger: ['service'],
  custodian: ['custodian'],
  policySigner: ['policy_signer'],
  platform: ['platform'],
  auditor: ['auditor'],
} as const;
export type PersonName = keyof typeof ROLES;

export const AUDIENCE = 'http://localhost:7080';

/** A signed world whose people can sign in, with an enclave that is one in every member. */
export function createServerWorld(options: { readonly now: () => Date; readonly keyService: Anchors['key_service']; readonly seed?: string; readonly capBytes?: number; readonly change?: WorldOptions['change'] }): Promise<SignedWorld> {
  return createWorld({
    seed: 'server world',
    ...options,
    change: {
      enclave: (document) => {
        const { environments, evidence, lease, id, tenant, version, profile } = document.enclave;
        const release = { window_seconds: 86_400, relative_cap: { numerator: 100, denominator: 1 }, absolute_cap_bytes: options.capBytes ?? 1_000_000 };
        const vault = weightVault({ id, tenant, version, profile, environments, evidence, lease, keyService: 'development', release });
        // Not structuredClone: in a test's realm its objects are strangers, which have no canonical form.
        return { ...document, enclave: JSON.parse(JSON.stringify(vault)) as typeof document.enclave };
      },
      ...options.change,
    },
  });
}

export function idOf(world: SignedWorld, name: PersonName): string {
  return worldPerson(world, name)?.id ?? world.seed.uuid(`person ${name}`);
}

function worldPerson(world: SignedWorld, name: PersonName): WorldPerson | undefined {
  return (world.people as Readonly<Record<string, WorldPerson>>)[name];
}

export function signInKey(world: SignedWorld, name: PersonName): KeyObject {
  return world.seed.ed25519(`sign-in ${name}`);
}

/** The roster of everybody, as the roots sign it. */
export function serverRoster(world: SignedWorld, change: (roster: Roster) => Roster = (roster) => roster) {
  return world.signRoster((roster) => {
    const people = (Object.keys(ROLES) as PersonName[]).map((name) => {
      const id = idOf(world, name);
      const known = roster.people.find((person) => person.id === id);
      return { id, roles: [...ROLES[name]], factors: known?.factors ?? [], sign_in_keys: [toSignerKey(createPublicKey(signInKey(world, name)))], credentials: known?.credentials ?? [] };
    });
    // Who asks never votes: the world's requester holds an owner's credential, which one test makes use of.
    return change({ ...roster, people });
  });
}

export interface AssertionKnobs {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject;
}

let assertions = 0;

/** A sign-in assertion (RFC 7523 section 3, EdDSA), good but for what the knobs change. */
export function signInAssertion(world: SignedWorld, name: PersonName, { claims = {}, header = {}, key }: AssertionKnobs = {}): string {
  const iat = Math.floor(world.now().getTime() / 1000);
  const id = idOf(world, name);
  const jti = toBase64url(createHash('sha256').update(`${world.seed.word} ${String(process.pid)} ${String(++assertions)}`).digest());
  const signer = key ?? signInKey(world, name);
  const parts = [
    { alg: 'EdDSA', typ: 'JWT', kid: toSignerKey(createPublicKey(signInKey(world, name))).keyid, ...header },
    { iss: id, sub: id, aud: AUDIENCE, iat, exp: iat + 60, jti, ...claims },
  ];
  const signed = parts.map((part) => toBase64url(Buffer.from(JSON.stringify(part)))).join('.');
  return `${signed}.${toBase64url(sign(null, Buffer.from(signed), signer))}`;
}
