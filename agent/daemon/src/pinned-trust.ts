import { readFileSync } from 'node:fs';
import { createPolicyEngine, loadBuiltBundle, type PolicyEngine } from '@strongroom/policies-engine';
import { verifyGenesis, verifyNextAnchors, verifyPinnedAnchors, type Anchors, type Signed } from '@strongroom/control-plane-contract';
import type { AgentConfig } from './agent-config.js';
import { AgentError } from './errors.js';
import type { StateFolder } from './state-folder.js';

const NEWER_ANCHORS = 'anchors.json';

/** What this node believes before anybody tells it anything: anchors, genesis digest, and its own copy of the policy bundle. */
export class PinnedTrust {
  private constructor(
    readonly anchors: Signed<Anchors>,
    readonly policy: PolicyEngine,
  ) {}

  /** @throws AgentError `trust-mismatch` */
  static load(config: AgentConfig, state: StateFolder, now: Date): PinnedTrust {
    try {
      const pinned = verifyPinnedAnchors(JSON.parse(readFileSync(config.anchorsFile, 'utf8')), config.anchorsDigest, now);
      const newer = state.readJson(NEWER_ANCHORS);
      const anchors = newer === undefined ? pinned : verifyNextAnchors(newer, pinned.value, now);
      return new PinnedTrust(anchors, createPolicyEngine({ ...loadBuiltBundle(anchors.value.profile), revision: config.policyRevision }));
    } catch (cause) {
      throw new AgentError('trust-mismatch', `the pinned trust cannot be used: ${cause instanceof Error ? cause.message : ''}`, { cause });
    }
  }

  /** The genesis a server shows must be the pinned one, made for these anchors. @throws AgentError `trust-mismatch` */
  assertGenesis(envelope: unknown, pinnedDigest: string): void {
    try {
      verifyGenesis(envelope, pinnedDigest, this.anchors);
    } catch (cause) {
      throw new AgentError('trust-mismatch', 'the server shows another genesis than the one pinned', { cause });
    }
  }
}
