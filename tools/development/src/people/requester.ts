import { httpApi, toInstant } from '@strongroom/control-plane-contract';
import type { z } from 'zod';
import type { Session } from './session.js';

export type RequestView = z.infer<typeof httpApi.requestView>;

export interface AccessWish {
  readonly asset: string;
  readonly node: string;
  readonly shards: readonly number[];
  readonly purpose: z.infer<typeof httpApi.createRequest>['purpose'];
  readonly ticket: string;
  /** Minutes from now until which what is released may be used. */
  readonly minutes: number;
  readonly maxUses: number;
}

/** Asks for access, for a stated purpose. */
export class Requester {
  constructor(readonly session: Session) {}

  request(wish: AccessWish, now: Date = new Date()): Promise<RequestView> {
    // Whole seconds begin a little in the past, so that the window is open at once.
    const from = new Date(now.getTime() - 1000);
    const until = new Date(now.getTime() + wish.minutes * 60_000);
    const body: z.infer<typeof httpApi.createRequest> = {
      asset: wish.asset,
      action: 'read_shard',
      shards: [...wish.shards],
      node: wish.node,
      purpose: wish.purpose,
      ticket: wish.ticket,
      not_before: toInstant(from),
      not_after: toInstant(until),
      approve_by: toInstant(until),
      max_uses: wish.maxUses,
    };
    return this.session.call({ method: 'POST', path: '/v1/requests', body }, httpApi.requestView);
  }

  withdraw(request: string): Promise<z.infer<typeof httpApi.revocation>> {
    return this.session.call({ method: 'DELETE', path: `/v1/requests/${request}` }, httpApi.revocation);
  }
}
