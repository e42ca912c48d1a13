import { verifyPinnedAnchors, verifyGenesis, type Anchors, type Genesis, type Signed } from '@strongroom/control-plane-contract';
import type { Founding } from '../genesis/found.js';

/** What people believe: the anchors they founded the installation with. Nothing the server answers takes its place. */
export interface PeopleTrust {
  readonly anchors: Signed<Anchors>;
  readonly genesis: Signed<Genesis>;
}

/** @throws ContractError for anything but the pinned statements */
export function trustOf(founding: Founding, now: Date): PeopleTrust {
  const anchors = verifyPinnedAnchors(founding.anchors, founding.anchorsDigest, now);
  return { anchors, genesis: verifyGenesis(founding.genesis, founding.genesisDigest, anchors) };
}
