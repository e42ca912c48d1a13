import { httpApi, shortDigest } from '@strongroom/control-plane-contract';
import { fetchRequest, requestText, shownRequest } from '../approvals/shown-request.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { connect } from '../http/connect.js';
import { fields, table } from '../terminal/table.js';
import { requireUuid } from './ids.js';
import type { CommonOptions } from './options.js';

export type CreateRequestOptions = CommonOptions & {
  readonly asset: string;
  readonly shards: string;
  readonly node: string;
  readonly purpose: string;
  readonly ticket: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly approveBy?: string;
  readonly maxUses: string;
};

export async function createRequest(cli: Cli, options: CreateRequestOptions): Promise<void> {
  const asked = httpApi.createRequest.safeParse({
    asset: options.asset,
    action: 'read_shard',
    shards: parseShards(options.shards),
    node: options.node,
    purpose: options.purpose,
    ticket: options.ticket,
    not_before: options.notBefore,
    not_after: options.notAfter,
    approve_by: options.approveBy ?? options.notAfter,
    max_uses: Number(options.maxUses),
  });
  if (!asked.success) throw new CliError('usage', asked.error.issues.map(({ path, message }) => `${path.join('/')}: ${message}`).join('; '));
  const { api } = await connect(cli, options);
  const view = await api.send('POST', '/v1/requests', asked.data, httpApi.requestView);
  const created = shownRequest(view, view.request.id);
  const differs = (Object.keys(asked.data) as (keyof typeof asked.data)[]).filter((name) => JSON.stringify(asked.data[name]) !== JSON.stringify(view.request[name]));
  if (differs.length > 0) throw new CliError('request-mismatch', `the server made another request than the one asked for: ${differs.join(', ')} differ`, { remedy: `strongroom request withdraw ${view.request.id}` });
  cli.print(options, view, () => requestText(created));
}

export async function listRequests(cli: Cli, options: CommonOptions & { readonly state?: string }): Promise<void> {
  const { api } = await connect(cli, options);
  const all = await api.get('/v1/requests', httpApi.requestView.array());
  const views = all.filter(({ state }) => options.state === undefined || state === options.state);
  cli.print(options, views, () =>
    table(['ID', 'STATE', 'PURPOSE', 'SHARDS', 'UNTIL', 'MISSING', 'SHORT DIGEST'], views.map((view) => {
      const { request, digest } = shownRequest(view, view.request.id);
      return [request.id, view.state, request.purpose, `${request.shards.length}`, request.not_after, view.missing.map(({ factor, count }) => `${count} ${factor}`).join(', ') || '-', shortDigest(digest)];
    })),
  );
}

export async function showRequest(cli: Cli, id: string, options: CommonOptions): Promise<void> {
  const { api } = await connect(cli, options);
  const found = await fetchRequest(api, requireUuid(id));
  const releases = await api.get(`/v1/requests/${id}/releases`, httpApi.releaseView.array());
  cli.print(options, { ...found.view, releases }, () => {
    const rows = table(['RELEASE', 'NODE', 'STATE', 'BYTES', 'LEASE UNTIL'], releases.map((release) => [release.id, release.node, release.state, `${release.bytes}`, release.lease_until ?? '-']));
    return `${requestText(found)}${releases.length === 0 ? '' : `\n\n${rows}`}`;
  });
}

export async function withdrawRequest(cli: Cli, id: string, options: CommonOptions): Promise<void> {
  const { api } = await connect(cli, options);
  const done = await api.send('DELETE', `/v1/requests/${requireUuid(id)}`, undefined, httpApi.revocation);
  cli.print(options, done, () => fields([['id', done.id], ['state', done.state], ['log entry', done.log_index]]));
}

const MAX_SHARDS = 10_000;

/** `0,2,5-9` @throws CliError `usage` */
export function parseShards(text: string): number[] {
  const shards = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (from === undefined || first > last || last - first >= MAX_SHARDS || shards.size > MAX_SHARDS) throw new CliError('usage', 'shards are given as 0,2,5-9');
    for (let shard = first; shard <= last; shard += 1) shards.add(shard);
  }
  return [...shards].sort((a, b) => a - b);
}
