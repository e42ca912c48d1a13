import type { AccessInput } from '@strongroom/policies-engine';
import type { AccessQuestion } from '../platform/principal.js';

type Resource = AccessInput['resource'];
const TYPES: ReadonlySet<string> = new Set(['session', 'asset', 'manifest', 'node', 'enclave', 'policy', 'roster', 'request', 'audit', 'budget']);

/**
 * What an action is about: its noun, and the id the route's address names for it. A node acting for itself is its own resource.
 * An unknown noun becomes a type the policy refuses.
 */
export function resourceOf(question: AccessQuestion, tenant: string, subjectId: string): Resource {
  const noun = question.action.split('.')[0] ?? '';
  const type = (TYPES.has(noun) ? noun : 'session') as Resource['type'];
  const id = question.action === 'node.self' || noun === 'session' ? subjectId : (question.resource[noun] ?? '');
  return { type, id, tenant };
}
