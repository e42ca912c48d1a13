import { readFileSync } from 'node:fs';
import { verifyGenesis, verifyPinnedAnchors, type Anchors, type Genesis, type Signed } from '@strongroom/control-plane-contract';
import type { Profile } from './config.js';
import { StrongroomError } from './errors.js';
import type { IdentityConfig } from './platform.config.js';
import type { TrustConfig } from './trust.config.js';

/** The anchors and genesis of this installation, verified once at start against the pinned digests. */
export class TrustAnchors {
  private constructor(
    readonly anchors: Signed<Anchors>,
    readonly genesis: Signed<Genesis>,
  ) {}

  /**
   * @throws StrongroomError `genesis-mismatch` when a file is missing or not the one pinned, or speaks of another profile, domain
   * or tenant than the configuration: the program must not start.
   */
  static load(config: TrustConfig, about: { readonly profile: Profile; readonly identity: IdentityConfig; readonly now: Date }): TrustAnchors {
    let trust: TrustAnchors;
    try {
      const anchors = verifyPinnedAnchors(readJson(config.anchorsFile), config.anchorsDigest, about.now);
      trust = new TrustAnchors(anchors, verifyGenesis(readJson(config.genesisFile), config.genesisDigest, anchors));
    } catch (cause) {
      throw new StrongroomError('genesis-mismatch', `the trust anchors cannot be used: ${cause instanceof Error ? cause.message : 'unknown'}`, { cause });
    }
    const { profile, domain, tenant } = trust.value;
    if (profile !== about.profile) throw new StrongroomError('genesis-mismatch', `the genesis is of the ${profile} profile, the configuration of the ${about.profile} one`);
    if (domain !== about.identity.domain || tenant !== about.identity.tenant) throw new StrongroomError('genesis-mismatch', 'the genesis is of another domain or tenant than the configuration');
    return trust;
  }

  get value(): Anchors {
    return this.anchors.value;
  }

  get tenant(): string {
    return this.anchors.value.tenant;
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
