import { httpApi, NODE_REGISTRATION, shortDigest, type NodeRegistration } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { connect } from '../http/connect.js';
import { readMerged, signFile } from '../statements/sign-file.js';
import { fields, table } from '../terminal/table.js';
import { requireUuid } from './ids.js';
import type { CommonOptions } from './options.js';

type Node = ReturnType<typeof httpApi.nodeView.parse>;

export async function listNodes(cli: Cli, options: CommonOptions): Promise<void> {
  const { api } = await connect(cli, options);
  const nodes = await api.get('/v1/nodes', httpApi.nodeView.array());
  cli.print(options, nodes, () => table(['ID', 'ENCLAVE', 'KIND', 'STATE', 'CERTIFICATE UNTIL'], nodes.map((node) => [node.id, node.enclave, node.kind, node.state, node.certificate_expires_at ?? '-'])));
}

export async function showNode(cli: Cli, id: string, options: CommonOptions): Promise<void> {
  const { api } = await connect(cli, options);
  const node = await api.get(`/v1/nodes/${requireUuid(id)}`, httpApi.nodeView);
  cli.print(options, node, () => nodeText(node));
}

export type RegisterNodeOptions = CommonOptions & { readonly registration: string; readonly signatures?: readonly string[] };

export async function registerNode(cli: Cli, options: RegisterNodeOptions): Promise<void> {
  const envelope = await readMerged(NODE_REGISTRATION, [options.registration, ...(options.signatures ?? [])]);
  const { api } = await connect(cli, options);
  const node = await api.send('POST', '/v1/nodes', { envelope }, httpApi.nodeView);
  cli.print(options, node, () => nodeText(node));
}

export type SignRegistrationOptions = CommonOptions & { readonly registration: string; readonly key: string; readonly out: string };

export async function signRegistration(cli: Cli, options: SignRegistrationOptions): Promise<void> {
  const { digest, value, keyIds } = await signFile(NODE_REGISTRATION, { input: options.registration, key: options.key, out: options.out });
  const { node, enclave, kind, hardware_id } = value as NodeRegistration;
  const about = { out: options.out, node, enclave, kind, hardware_id, digest, short_digest: shortDigest(digest), signed_by: keyIds };
  cli.print(options, about, () => fields([['node', node], ['enclave', enclave], ['kind', kind], ['hardware', hardware_id], ['digest', digest], ['short digest', shortDigest(digest)], ['signed by', keyIds.join(', ')], ['written to', options.out]]));
}

function nodeText(node: Node): string {
  return fields([['id', node.id], ['enclave', node.enclave], ['kind', node.kind], ['state', node.state], ['hardware', node.hardware_id], ['attestation key', node.ak_name ?? 'none yet'], ['certificate until', node.certificate_expires_at ?? 'none yet']]);
}
