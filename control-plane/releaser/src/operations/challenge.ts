import { toBase64url } from '@strongroom/attestation-encoding';
import { toInstant, type ReleaserOperations } from '@strongroom/control-plane-contract';
import type { ReleaserContext } from '../context.js';
import { currentBinding } from '../database/bindings.js';
import { storeNonce } from '../database/nonces.js';
import { requireUnrevoked } from '../database/revocations.js';

type Challenge = ReleaserOperations['challenge'];

export const NONCE_SECONDS = 60;

/**
 * Gives a node 32 bytes to prove something with: once, for one purpose, within a minute.
 * @throws ReleaserError `release-revoked` | `node-not-bound` | `nonce-limit`
 */
export async function giveChallenge({ database, now, random }: ReleaserContext, { node, purpose }: Challenge['request']): Promise<Challenge['answer']> {
  const at = now();
  await requireUnrevoked(database, { node });
  // Before enrolment there is nothing to be bound to yet.
  if (purpose !== 'enrol') await currentBinding(database, node, at);
  const nonce = random(32);
  // Whole seconds, so that what is written is what is kept.
  const expiresAt = new Date(Math.floor(at.getTime() / 1000) * 1000 + NONCE_SECONDS * 1000);
  await database.transaction((transaction) => storeNonce(transaction, nonce, { node, purpose, now: at, expiresAt }));
  return { nonce: toBase64url(nonce), expires_at: toInstant(expiresAt) };
}
