import { z } from 'zod';
import { ContractError } from './errors.js';
import { bytes, digest, instant, slug, text, version } from './scalars.js';
import { assertCurrent, signerKey, verifyStatement, type Signed, type StatementKind } from './statement.js';

const signers = z.strictObject({ keys: z.array(signerKey).min(1).max(32), threshold: z.number().int().min(1).max(32) });

/** What an agent, the releaser and an auditor trust before they trust anything else (protocol rules 3, 10 and 14). */
const anchorsSchema = z.strictObject({
  type: z.literal('strongroom/anchors/v1'),
  tenant: slug,
  domain: z.string().regex(/^[a-z0-9.-]{1,253}$/),
  profile: z.enum(['development', 'production']),
  version,
  issued_at: instant,
  expires_at: instant,
  log: z.strictObject({ origin: text(200), vkey: text(300) }),
  /** Witnesses of the log. `quorum` 0 is allowed in the development profile only. */
  witnesses: z.strictObject({
    quorum: z.number().int().min(0).max(32),
    vkeys: z.array(text(300)).max(32),
    max_age_seconds: z.number().int().min(1).max(86_400),
  }),
  /** Sign anchors and rosters; the next version must be signed by this set. */
  roots: signers,
  policy_signers: signers,
  /** Sign node registrations. */
  registrars: signers,
  /** A manifest needs a signature of each role. */
  manifest_signers: z.strictObject({ owner: z.array(signerKey).min(1).max(32), security: z.array(signerKey).min(1).max(32) }),
  /** Signs leases and node bindings. */
  releaser: signerKey,
  /** The key service's encrypt-only public keys, one an enclave: raw X25519. */
  key_service: z.array(z.strictObject({ enclave: slug, kek: slug, public_key: bytes(32, 32) })).min(1).max(64),
  approval: z.strictObject({ rp_id: text(253), origins: z.array(text(300)).min(1).max(8) }),
});

export type Anchors = z.infer<typeof anchorsSchema>;

export const ANCHORS: StatementKind<typeof anchorsSchema> = {
  payloadType: 'application/vnd.strongroom.anchors.v1+json',
  schema: anchorsSchema,
  maxBytes: 64 * 1024,
};

/** How old cosignatures may be in production (protocol rule 10). */
const MAX_WITNESS_AGE_SECONDS = 60;

function assertSound(anchors: Anchors): void {
  const nobodyAlone = [anchors.roots, anchors.policy_signers, anchors.registrars].every((set) => {
    const distinct = new Set(set.keys.map((key) => key.keyid));
    return set.threshold >= 2 && distinct.size === set.keys.length && set.threshold <= distinct.size;
  });
  const owners = new Set(anchors.manifest_signers.owner.map((key) => key.keyid));
  const twoRoles = anchors.manifest_signers.security.every((key) => !owners.has(key.keyid));
  const witnessed = anchors.profile === 'development' || (anchors.witnesses.quorum >= 1 && anchors.witnesses.max_age_seconds <= MAX_WITNESS_AGE_SECONDS);
  if (!nobodyAlone || !twoRoles || !witnessed || anchors.witnesses.quorum > new Set(anchors.witnesses.vkeys).size) {
    throw new ContractError('anchors-untrusted', 'anchors would let one person act alone, or ask for no fresh witness in production');
  }
}

/**
 * Verifies anchors against a digest pinned out of band (the first set, named by the genesis statement).
 * @throws ContractError `anchors-untrusted` | `statement-*`
 */
export function verifyPinnedAnchors(envelope: unknown, pinnedDigest: string, now: Date): Signed<Anchors> {
  const self = peekRoots(envelope);
  const signed = verifyStatement(ANCHORS, envelope, self.keys, self.threshold);
  if (signed.digest !== pinnedDigest) throw new ContractError('anchors-untrusted', 'anchors are not the ones pinned');
  assertSound(signed.value);
  assertCurrent(signed.value, signed.value.tenant, now);
  return signed;
}

/**
 * Verifies the next set of anchors: signed by the threshold of the *previous* roots and of its own, one version up or more,
 * of the same tenant and profile.
 * @throws ContractError `anchors-untrusted` | `statement-*`
 */
export function verifyNextAnchors(envelope: unknown, previous: Anchors, now: Date): Signed<Anchors> {
  const signed = verifyStatement(ANCHORS, envelope, previous.roots.keys, previous.roots.threshold);
  verifyStatement(ANCHORS, envelope, signed.value.roots.keys, signed.value.roots.threshold);
  if (signed.value.version <= previous.version) throw new ContractError('statement-rolled-back', 'anchors are older than the ones in force');
  if (signed.value.profile !== previous.profile) throw new ContractError('anchors-untrusted', 'anchors of another profile');
  assertSound(signed.value);
  assertCurrent(signed.value, previous.tenant, now);
  return signed;
}

/** Reads the roots a document names for itself, so that its own signatures can be checked. Proves nothing alone. */
function peekRoots(envelope: unknown): z.infer<typeof signers> {
  try {
    const payload = (envelope as { payload: string }).payload;
    const json: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return anchorsSchema.parse(json).roots;
  } catch (cause) {
    throw new ContractError('statement-malformed', 'anchors are malformed', { cause });
  }
}

/** Genesis: entry 0 of the log, named out of band by digest (protocol rule 14). */
const genesisSchema = z.strictObject({
  type: z.literal('strongroom/genesis/v1'),
  tenant: slug,
  domain: z.string().regex(/^[a-z0-9.-]{1,253}$/),
  profile: z.enum(['development', 'production']),
  log_origin: text(200),
  anchors_digest: digest,
  created_at: instant,
});

export type Genesis = z.infer<typeof genesisSchema>;

export const GENESIS: StatementKind<typeof genesisSchema> = {
  payloadType: 'application/vnd.strongroom.genesis.v1+json',
  schema: genesisSchema,
  maxBytes: 16 * 1024,
};

/**
 * Verifies the genesis statement against the digest pinned out of band and the anchors it names: two distinct roots signed.
 * @throws ContractError `genesis-mismatch` | `statement-*`
 */
export function verifyGenesis(envelope: unknown, pinnedDigest: string, anchors: Signed<Anchors>): Signed<Genesis> {
  const genesis = verifyStatement(GENESIS, envelope, anchors.value.roots.keys, Math.max(2, anchors.value.roots.threshold));
  const { value } = genesis;
  const same =
    genesis.digest === pinnedDigest &&
    value.anchors_digest === anchors.digest &&
    value.tenant === anchors.value.tenant &&
    value.domain === anchors.value.domain &&
    value.profile === anchors.value.profile &&
    value.log_origin === anchors.value.log.origin;
  if (!same) throw new ContractError('genesis-mismatch', 'the genesis statement is not the one pinned, or names other anchors');
  return genesis;
}
