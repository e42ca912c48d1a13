import type { PolicyProfile } from './release-input.js';

/** Everything a route may ask for. A route names exactly one; a name not listed here is refused. */
export type AccessAction =
  | 'session.read'
  | 'asset.register'
  | 'asset.read'
  | 'manifest.sign'
  | 'node.register'
  | 'node.read'
  | 'node.self'
  | 'enclave.register'
  | 'enclave.read'
  | 'policy.register'
  | 'policy.read'
  | 'roster.register'
  | 'roster.read'
  | 'request.create'
  | 'request.read'
  | 'request.approve'
  | 'request.deny'
  | 'request.withdraw'
  | 'request.revoke'
  | 'audit.read'
  | 'audit.export'
  | 'budget.read';

/**
 * What the access policy reads. All resolved by the control plane; every member required. Instants are integer epoch seconds.
 */
export interface AccessInput {
  readonly now: number;
  readonly tenant: string;
  readonly profile: PolicyProfile;
  readonly subject: {
    readonly type: 'person' | 'node' | 'service';
    /** Lowercase UUID. */
    readonly id: string;
    /** Names in the policy data, none that it does not know; a node has the role `node`, a service `service`. */
    readonly roles: readonly string[];
    readonly tenant: string;
    readonly session: {
      readonly authenticated_at: number;
      readonly expires_at: number;
      readonly method: 'passkey' | 'oidc' | 'signature' | 'mtls';
    };
  };
  readonly action: { readonly name: AccessAction };
  /** `id` is empty where the action is about a collection or a thing not made yet. For `node.self` it must be the subject's id. */
  readonly resource: {
    readonly type: 'session' | 'asset' | 'manifest' | 'node' | 'enclave' | 'policy' | 'roster' | 'request' | 'audit' | 'budget';
    readonly id: string;
    readonly tenant: string;
  };
  readonly context: {
    /** Id of whoever made the request the action is about; empty where there is none. Listing one's own requests: the subject's id. */
    readonly requester: string;
    /** Only for `request.create`; else empty. */
    readonly purpose: string;
    readonly ticket: string;
    /** Length of the use window asked for; 0 where there is none. */
    readonly window_seconds: number;
    /** `request.create`: factors the asset's manifest demands. `request.approve|deny`: factors the roster gives the subject. */
    readonly factors: readonly string[];
  };
}
