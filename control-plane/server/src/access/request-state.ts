import { StrongroomError } from '../platform/errors.js';

export type RequestState = 'awaiting_approvals' | 'approved' | 'active' | 'used' | 'expired' | 'revoked' | 'denied' | 'withdrawn';

/** The only moves a request makes. What has no way out is final; renewals are new requests. */
export const requestMoves: Readonly<Record<RequestState, readonly RequestState[]>> = {
  awaiting_approvals: ['approved', 'denied', 'withdrawn', 'expired', 'revoked'],
  approved: ['active', 'denied', 'withdrawn', 'expired', 'revoked'],
  active: ['active', 'used', 'expired', 'denied', 'revoked'],
  used: ['revoked', 'expired', 'denied'],
  expired: [],
  // To itself: the releaser may not have heard of it the first time.
  revoked: ['revoked'],
  denied: [],
  withdrawn: ['withdrawn'],
};

/** @throws StrongroomError `conflict` */
export function moveRequest(request: { state: RequestState }, to: RequestState): void {
  if (!requestMoves[request.state].includes(to)) throw new StrongroomError('conflict', `a request that is ${request.state} cannot become ${to}`);
  request.state = to;
}

export interface RequestClock {
  readonly state: RequestState;
  readonly statement: { readonly approve_by: string; readonly not_after: string };
}

/** What a request is at `now`: past one of its two clocks it is expired, whatever the table still says. */
export function stateAt({ state, statement }: RequestClock, now: Date): RequestState {
  const open = state === 'awaiting_approvals' || state === 'approved' || state === 'active' || state === 'used';
  if (open && now.getTime() >= Date.parse(statement.not_after)) return 'expired';
  if (state === 'awaiting_approvals' && now.getTime() >= Date.parse(statement.approve_by)) return 'expired';
  return state;
}
