import { canonicalDigest, canonicalJson } from '@strongroom/attestation-encoding';
import { httpApi, shortDigest, verifyApproval, type Anchors } from '@strongroom/control-plane-contract';
import { SoftwareAuthenticator } from '../approvals/authenticator.js';
import { prepareStatement, type PreparedStatement } from '../approvals/prepare-statement.js';
import { requestText } from '../approvals/shown-request.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { ApiClient } from '../http/api-client.js';
import { connect } from '../http/connect.js';
import { parseServerUrl } from '../http/server-url.js';
import { fields } from '../terminal/table.js';
import { shown } from '../terminal/text.js';
import { resolveTrust, type TrustOptions } from '../trust/trust.js';
import { requireUuid } from './ids.js';
import type { CommonOptions } from './options.js';

export type VoteOptions = CommonOptions & TrustOptions & { readonly factor?: string; readonly authenticator: string; readonly approvalServer?: string; readonly yes?: boolean };

/** Shows exactly what is signed, asks, signs on this machine, and sends it to the approval host. */
export async function vote(cli: Cli, decision: 'approve' | 'deny', id: string, options: VoteOptions): Promise<void> {
  const { io } = cli;
  const { api, session, state } = await connect(cli, options);
  const documents = await api.get('/v1/documents', httpApi.documentBundle);
  const anchors = (await resolveTrust(options, documents, state, io.now())).anchors.value;
  const origin = approvalOrigin(anchors, options.approvalServer);
  const prepared = await prepareStatement(api, requireUuid(id), anchors, { decision, factor: options.factor, person: session.person, now: io.now(), random: io.random });
  const authenticator = await SoftwareAuthenticator.read(options.authenticator);
  // The statement goes to standard error: it is for the person, whatever happens with the result.
  cli.note(statementText(prepared));
  const confirmed = options.yes === true || (await io.confirm(`${decision === 'approve' ? 'Approve' : 'Deny'} request ${shortDigest(prepared.digest)} as ${prepared.statement.factor}?`));
  if (!confirmed) throw new CliError('not-confirmed', 'nothing was signed', { remedy: 'answer yes at a terminal, or give --yes' });
  const { statement } = prepared;
  const approval = { statement, assertion: authenticator.sign(statement, { rpId: anchors.approval.rp_id, origin }) };
  // What everybody else will verify is verified here first, so that a wrong key is told before it is sent.
  verifyApproval(approval, { tenant: anchors.tenant, roster: prepared.roster, rpId: anchors.approval.rp_id, origins: anchors.approval.origins });
  const counted = await new ApiClient({ server: new URL(origin), token: session.token }).send('POST', `/v1/requests/${id}/approvals`, approval, httpApi.requestView);
  const missing = counted.missing.map(({ factor, count }) => `${count} ${factor}`).join(', ');
  cli.print(options, { request: id, decision, factor: statement.factor, statement_digest: canonicalDigest(statement), request_digest: prepared.digest, state: counted.state, missing: counted.missing }, () =>
    fields([['request', id], ['signed', `${decision} as ${statement.factor}`], ['state', counted.state], ['missing', missing === '' ? 'nothing' : missing]]),
  );
}

/** The pinned anchors say where approvals are made; a signature for another origin counts nowhere. */
function approvalOrigin({ approval }: Anchors, named: string | undefined): string {
  const origin = named === undefined ? approval.origins[0] : parseServerUrl(named).origin;
  if (origin === undefined || !approval.origins.includes(origin)) throw new CliError('usage', `the anchors name these approval hosts: ${approval.origins.join(', ')}`);
  return parseServerUrl(origin).origin;
}

function statementText(prepared: PreparedStatement): string {
  const { statement, digest } = prepared;
  return `${requestText(prepared)}\n\nYou sign, exactly:\n${shown(canonicalJson(statement))}\n\n${fields([['decision', statement.decision], ['factor', statement.factor], ['request, short digest', shortDigest(digest)], ['statement, short digest', shortDigest(canonicalDigest(statement))]])}\nCompare the short digest of the request with another screen before you sign.`;
}
