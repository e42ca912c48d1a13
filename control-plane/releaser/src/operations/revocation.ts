import type { ReleaserOperations } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { recordRevocation } from '../database/revocations.js';

type Revoke = ReleaserOperations['revoke'];
type Status = ReleaserOperations['status'];

/** Refuses a request, release, node or asset from now on, for good. Durable when it returns; asked again it says the same. */
export async function revoke({ database, now }: ReleaserContext, { kind, id, reason }: Revoke['request']): Promise<Revoke['answer']> {
  await database.transaction((transaction) => recordRevocation(transaction, { kind, id, reason, now: now() }));
  return { revoked: true };
}

/** What this releaser trusts and runs, for the server to compare with its own. */
export function status({ anchors, engine }: ReleaserContext): Status['answer'] {
  return { tenant: anchors.value.tenant, profile: anchors.value.profile, policy_digest: engine.policyDigest, anchors_digest: anchors.digest };
}
