import type { Factor } from '@strongroom/control-plane-contract';

export type KeyUse = 'sign-in' | 'root' | 'policy' | 'manifest' | 'registrar';

export interface PersonKind {
  readonly roles: readonly string[];
  readonly factors: readonly Factor[];
  readonly keys: readonly KeyUse[];
  /** Holds an authenticator for approvals. */
  readonly approves: boolean;
}

const signsIn = { factors: [], approves: false } as const;

/** Who there is. Each key has one use and one holder; roots and policy keys of a person are different keys. */
export const PEOPLE = {
  requester: { ...signsIn, roles: ['requester'], keys: ['sign-in'] },
  'owner-approver': { roles: ['approver'], factors: ['owner'], keys: ['sign-in'], approves: true },
  'security-approver': { roles: ['approver', 'security'], factors: ['security'], keys: ['sign-in'], approves: true },
  'manifest-owner': { ...signsIn, roles: ['custodian'], keys: ['sign-in', 'manifest'] },
  'manifest-security': { ...signsIn, roles: ['custodian'], keys: ['sign-in', 'manifest'] },
  'policy-signer-1': { ...signsIn, roles: ['policy_signer'], keys: ['sign-in', 'policy', 'root'] },
  'policy-signer-2': { ...signsIn, roles: ['policy_signer'], keys: ['sign-in', 'policy', 'root'] },
  'platform-engineer': { ...signsIn, roles: ['platform'], keys: ['sign-in'] },
  'registrar-1': { ...signsIn, roles: ['platform'], keys: ['sign-in', 'registrar'] },
  'registrar-2': { ...signsIn, roles: ['platform'], keys: ['sign-in', 'registrar'] },
  auditor: { ...signsIn, roles: ['auditor'], keys: ['sign-in'] },
} as const satisfies Readonly<Record<string, PersonKind>>;

export type PersonName = keyof typeof PEOPLE;
export const PERSON_NAMES = Object.keys(PEOPLE) as readonly PersonName[];
