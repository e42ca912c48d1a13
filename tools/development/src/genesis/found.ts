import { canonicalDigest, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { ANCHORS, GENESIS, signStatement, toInstant, verifyGenesis, verifyPinnedAnchors, type Anchors, type Genesis, type SignerKey } from '@strongroom/control-plane-contract';
import type { Person } from '../people/person.js';
import type { PersonName } from '../people/person-names.js';
import { mergeDsse } from '@strongroom/attestation-encoding';
import type { PlatformFacts } from './platform-keys.js';

/** The two statements everything else rests on, and the digests to pin. */
export interface Founding {
  readonly anchors: DsseEnvelope;
  readonly anchorsDigest: string;
  readonly genesis: DsseEnvelope;
  readonly genesisDigest: string;
}

const YEARS = 10;

/**
 * The roots found the installation: both sign the anchors (version 1) and the genesis statement, which is to be entry 0 of the log
 * (protocol rule 14). What they signed is verified as the programs will verify it.
 * @throws ContractError where the result would not be accepted
 */
export function found(facts: PlatformFacts, people: Readonly<Record<PersonName, Person>>, now: Date): Founding {
  const roots = [people['policy-signer-1'], people['policy-signer-2']];
  const value = anchorsOf(facts, people, now);
  const anchors = together(roots, (root) => signStatement(ANCHORS, value, [root.privateKey('root')]));
  const genesisValue: Genesis = {
    type: 'strongroom/genesis/v1',
    tenant: value.tenant,
    domain: value.domain,
    profile: value.profile,
    log_origin: value.log.origin,
    anchors_digest: canonicalDigest(value),
    created_at: toInstant(now),
  };
  const genesis = together(roots, (root) => signStatement(GENESIS, genesisValue, [root.privateKey('root')]));
  const verified = verifyPinnedAnchors(anchors, canonicalDigest(value), now);
  return { anchors, anchorsDigest: verified.digest, genesis, genesisDigest: verifyGenesis(genesis, canonicalDigest(genesisValue), verified).digest };
}

function anchorsOf(facts: PlatformFacts, people: Readonly<Record<PersonName, Person>>, now: Date): Anchors {
  const two = (keys: SignerKey[]): Anchors['roots'] => ({ keys, threshold: 2 });
  const signers = [people['policy-signer-1'], people['policy-signer-2']];
  return {
    type: 'strongroom/anchors/v1',
    profile: 'development',
    version: 1,
    issued_at: toInstant(now),
    expires_at: toInstant(new Date(Date.UTC(now.getUTCFullYear() + YEARS, now.getUTCMonth(), now.getUTCDate()))),
    ...facts,
    witnesses: { quorum: 0, vkeys: [], max_age_seconds: 60 },
    roots: two(signers.map((signer) => signer.signerKey('root'))),
    policy_signers: two(signers.map((signer) => signer.signerKey('policy'))),
    registrars: two([people['registrar-1'], people['registrar-2']].map((registrar) => registrar.signerKey('registrar'))),
    manifest_signers: { owner: [people['manifest-owner'].signerKey('manifest')], security: [people['manifest-security'].signerKey('manifest')] },
  };
}

/** Each signs alone; nobody holds another's key. */
export function together<T>(signers: readonly T[], sign: (signer: T) => DsseEnvelope): DsseEnvelope {
  return signers.map(sign).reduce((all, one) => mergeDsse(all, one));
}
