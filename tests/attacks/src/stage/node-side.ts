import { canonicalDigest, fromBase64url } from '@strongroom/attestation-encoding';
import { acceptRelease, openKeys, type AcceptedRelease } from '@strongroom/agent-daemon';
import type { ReleaseAnswer, ReleaserOperations } from '@strongroom/control-plane-contract';
import type { SignedRelease } from '@strongroom/tests-fixtures';
import type { Scene } from './stage.js';

type Released = ReleaserOperations['release']['answer'];

/** The answer a server hands to the node. */
export function answerOf({ body }: SignedRelease, released: Released): ReleaseAnswer {
  return { release_id: body.release_id, material: body.material, keys: released.keys, lease: released.lease };
}

/** The agent's own judgement, on its own side of the wire, and the keys if it accepts. */
export async function nodeAccepts(scene: Scene, release: SignedRelease, answer: ReleaseAnswer): Promise<AcceptedRelease> {
  const { world, clock } = scene;
  const accepted = acceptRelease(
    answer,
    {
      node: world.nodeId,
      releaseId: release.body.release_id,
      requestId: release.body.material.request.id,
      akName: world.node.akName,
      mtlsKeyDigest: world.mtlsKeyDigest,
      transportKeyDigest: release.transport.digest,
      evidenceDigest: canonicalDigest(release.body.evidence),
      leaseNonce: fromBase64url(release.body.lease_nonce, 32),
    },
    { anchors: world.anchors.value, policy: world.engine, now: clock.now(), maxAgeSeconds: 120 },
  );
  const keys = await openKeys(answer, accepted, release.transport.privateKey);
  for (const key of keys.values()) key.fill(0);
  return accepted;
}
