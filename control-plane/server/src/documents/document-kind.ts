import {
  verifyEnclaveDocument,
  verifyNodeRegistration,
  verifyPolicyEnvelope,
  verifyRoster,
  type Anchors,
  type Dated,
  type EnclaveDocument,
  type NodeRegistration,
  type PolicyEnvelope,
  type Roster,
  type Signed,
} from '@strongroom/control-plane-contract';
import type { EventKind } from '../audit/event-kinds.js';

/** Signed documents the platform runs on, and what each is about. */
export interface DocumentKinds {
  roster: Roster;
  policy: PolicyEnvelope;
  enclave: EnclaveDocument;
  'node-registration': NodeRegistration;
}
export type DocumentKind = keyof DocumentKinds;

interface KindRules<K extends DocumentKind> {
  /** What the log calls a new version. */
  readonly event: EventKind;
  /** Signatures, schema, tenant and dates. @throws ContractError */
  verify(envelope: unknown, anchors: Anchors, now: Date): Signed<DocumentKinds[K] & Dated & { readonly version: number }>;
  subject(value: DocumentKinds[K]): string;
  /** Chain of the log that tells this document's history. */
  chain(subject: string): string;
}

export const documentKinds: { readonly [K in DocumentKind]: KindRules<K> } = {
  roster: { event: 'account-change', verify: verifyRoster, subject: (roster) => roster.tenant, chain: () => 'roster' },
  policy: { event: 'policy-change', verify: verifyPolicyEnvelope, subject: (policy) => policy.tenant, chain: () => 'policy' },
  enclave: { event: 'enclave-change', verify: verifyEnclaveDocument, subject: ({ enclave }) => enclave.id, chain: (id) => `enclave/${id}` },
  'node-registration': { event: 'node-change', verify: verifyNodeRegistration, subject: ({ node }) => node, chain: (id) => `node/${id}` },
};
