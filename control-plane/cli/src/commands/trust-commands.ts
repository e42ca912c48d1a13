import { httpApi } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { readJson } from '../files.js';
import { ApiClient } from '../http/api-client.js';
import { serverOf } from '../http/sessions.js';
import { stateFolder } from '../state-folder.js';
import { fields } from '../terminal/table.js';
import { readPins, requireDigest, writePins } from '../trust/pins.js';
import { verifyTrust, type Trust } from '../trust/trust.js';
import type { CommonOptions } from './options.js';

export type PinOptions = CommonOptions & { readonly genesisDigest: string; readonly genesis?: string; readonly anchors?: string };

/** Documents may come from the server: the digest, which the person brings, says whether they are the right ones. */
export async function pin(cli: Cli, options: PinOptions): Promise<void> {
  const { io } = cli;
  const state = stateFolder(io.env);
  const genesisDigest = requireDigest(options.genesisDigest, 'the genesis digest');
  const shown = options.genesis !== undefined && options.anchors !== undefined ? undefined : await new ApiClient({ server: await serverOf(options.server, io.env, state) }).get('/v1/documents', httpApi.documentBundle);
  const genesis = options.genesis === undefined ? shown?.genesis : await readJson(options.genesis);
  const anchors = options.anchors === undefined ? shown?.anchors : await readJson(options.anchors);
  const trust = verifyTrust({ genesis, anchors, genesisDigest, anchorsDigest: undefined }, io.now());
  await writePins(state, { genesis_digest: genesisDigest, anchors_digest: trust.anchors.digest, genesis, anchors });
  report(cli, options, trust);
}

export async function showTrust(cli: Cli, options: CommonOptions): Promise<void> {
  const kept = await readPins(stateFolder(cli.io.env));
  if (kept.genesis_digest === undefined) throw new CliError('trust-not-pinned', 'nothing is pinned', { remedy: 'strongroom trust pin --genesis-digest sha256:…' });
  report(cli, options, verifyTrust({ genesis: kept.genesis, anchors: kept.anchors, genesisDigest: kept.genesis_digest, anchorsDigest: kept.anchors_digest }, cli.io.now()));
}

function report(cli: Cli, options: CommonOptions, { anchors, genesis }: Trust): void {
  const { value } = anchors;
  const about = {
    genesis_digest: genesis?.digest ?? '',
    anchors_digest: anchors.digest,
    tenant: value.tenant,
    domain: value.domain,
    profile: value.profile,
    log_origin: value.log.origin,
    witness_quorum: value.witnesses.quorum,
    approval_origins: value.approval.origins,
    expires_at: value.expires_at,
  };
  cli.print(options, about, () => fields(Object.entries(about).map(([name, fact]) => [name.replaceAll('_', ' '), Array.isArray(fact) ? fact.join(', ') : fact] as const)));
}
