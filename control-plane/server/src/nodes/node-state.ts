import { StrongroomError } from '../platform/errors.js';
import type { NodeEntity } from './node.entity.js';

export type NodeState = NodeEntity['state'];

/** The only moves a node makes. Retired is final: the machine needs a new registration under a new id. */
const moves: Readonly<Record<NodeState, readonly NodeState[]>> = {
  registered: ['enrolled', 'retired'],
  enrolled: ['enrolled', 'suspended', 'retired'],
  // To itself: the releaser may not have heard of it the first time.
  suspended: ['suspended', 'retired'],
  retired: [],
};

/** @throws StrongroomError `conflict` */
export function moveNode(node: NodeEntity, to: NodeState): void {
  if (!moves[node.state].includes(to)) throw new StrongroomError('conflict', `a ${node.state} node cannot become ${to}`);
  node.state = to;
}
