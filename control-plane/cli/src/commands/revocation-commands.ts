import { httpApi } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { connect } from '../http/connect.js';
import { fields } from '../terminal/table.js';
import { requireUuid } from './ids.js';
import type { CommonOptions } from './options.js';

export type RevokeOptions = CommonOptions & { readonly reason: string };

const paths: Readonly<Record<string, (id: string) => string>> = {
  request: (id) => `/v1/requests/${id}/revocation`,
  asset: (id) => `/v1/assets/${id}/revocation`,
  node: (id) => `/v1/nodes/${id}/suspension`,
};

/** Cuts off a request, an asset or a node. Takes one person and is immediate; asking twice would only delay it. */
export async function revoke(cli: Cli, kind: string, id: string, options: RevokeOptions): Promise<void> {
  const path = Object.hasOwn(paths, kind) ? paths[kind] : undefined;
  if (path === undefined) throw new CliError('usage', 'what is revoked is a request, an asset or a node');
  const { api } = await connect(cli, options);
  const done = await api.send('POST', path(requireUuid(id)), { reason: options.reason }, httpApi.revocation);
  cli.print(options, done, () => fields([['id', done.id], ['state', done.state], ['log entry', done.log_index]]));
}
