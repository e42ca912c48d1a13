import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import type { RegisterAssetOptions, SignManifestOptions } from './asset-commands.js';
import type { RegisterNodeOptions, SignRegistrationOptions } from './node-commands.js';
import { examples, leaf, serverLeaf, withTrust, type CommonOptions } from './options.js';
import type { CreateRequestOptions } from './request-commands.js';
import type { RevokeOptions } from './revocation-commands.js';
import type { VoteOptions } from './vote-commands.js';

const REASON = ['--reason <text>', 'why; it stands in the log'] as const;
const revocations = () => import('./revocation-commands.js');

/** `strongroom asset …` */
export function addAssetCommands(program: Command, cli: Cli): void {
  const commands = () => import('./asset-commands.js');
  const asset = program.command('asset').description('sealed weights and their custody manifests');
  serverLeaf(asset, 'list', 'all assets').action(async (options: CommonOptions) => (await commands()).listAssets(cli, options));
  serverLeaf(asset, 'show <id>', 'one asset, its shards and its budget').action(async (id: string, options: CommonOptions) => (await commands()).showAsset(cli, id, options));
  examples(
    serverLeaf(asset, 'register', 'register an asset: a manifest signed by owner and security, and the wrapped shard keys')
      .requiredOption('--manifest <file>', 'signed manifest')
      .requiredOption('--wrapped-keys <file>', 'JSON list of {shard, wrapped}, as the sealing node wrote it')
      .option('--signatures <file...>', 'the same manifest signed by others; signatures are merged')
      .action(async (options: RegisterAssetOptions) => (await commands()).registerAsset(cli, options)),
    ['strongroom asset register --manifest manifest.dsse.json --wrapped-keys wrapped-keys.json'],
  );
  examples(
    leaf(asset, 'sign-manifest', 'sign a custody manifest, beside the signatures that are there already')
      .requiredOption('--manifest <file>', 'manifest, or manifest signed by somebody else')
      .requiredOption('--key <file>', 'Ed25519 manifest key, PKCS#8 PEM, mode 0600')
      .requiredOption('--out <file>', 'signed manifest; may be the same file for everybody')
      .action(async (options: SignManifestOptions) => (await commands()).signManifest(cli, options)),
    ['strongroom asset sign-manifest --manifest manifest.json --key manifest-key.pem --out manifest.dsse.json'],
  );
  serverLeaf(asset, 'revoke <id>', 'cut an asset off, at once').requiredOption(...REASON).action(async (id: string, options: RevokeOptions) => (await revocations()).revoke(cli, 'asset', id, options));
}

/** `strongroom node …` */
export function addNodeCommands(program: Command, cli: Cli): void {
  const commands = () => import('./node-commands.js');
  const node = program.command('node').description('machines that may hold weights');
  serverLeaf(node, 'list', 'all nodes').action(async (options: CommonOptions) => (await commands()).listNodes(cli, options));
  serverLeaf(node, 'show <id>', 'one node').action(async (id: string, options: CommonOptions) => (await commands()).showNode(cli, id, options));
  examples(
    serverLeaf(node, 'register', 'register a node that two registrars signed')
      .requiredOption('--registration <file>', 'signed registration')
      .option('--signatures <file...>', 'the same registration signed by others; signatures are merged')
      .action(async (options: RegisterNodeOptions) => (await commands()).registerNode(cli, options)),
    ['strongroom node register --registration node-7.dsse.json'],
  );
  examples(
    leaf(node, 'sign-registration', 'sign a node registration, beside the signatures that are there already')
      .requiredOption('--registration <file>', 'registration, or registration signed by somebody else')
      .requiredOption('--key <file>', 'Ed25519 registrar key, PKCS#8 PEM, mode 0600')
      .requiredOption('--out <file>', 'signed registration')
      .action(async (options: SignRegistrationOptions) => (await commands()).signRegistration(cli, options)),
    ['strongroom node sign-registration --registration node-7.json --key registrar-key.pem --out node-7.dsse.json'],
  );
  serverLeaf(node, 'suspend <id>', 'cut a node off, at once').requiredOption(...REASON).action(async (id: string, options: RevokeOptions) => (await revocations()).revoke(cli, 'node', id, options));
}

/** `strongroom request …`, `approve`, `deny`, `revoke` */
export function addRequestCommands(program: Command, cli: Cli): void {
  const commands = () => import('./request-commands.js');
  const request = program.command('request').description('requests for access to weights');
  examples(
    serverLeaf(request, 'create', 'ask for the keys of some shards, on one node, for one purpose')
      .requiredOption('--asset <id>', 'asset')
      .requiredOption('--shards <list>', 'such as 0,2,5-9')
      .requiredOption('--node <id>', 'node that is to open them')
      .requiredOption('--purpose <purpose>', 'inference, evaluation, fine_tuning, interpretability, red_teaming, incident_response or migration')
      .requiredOption('--ticket <text>', 'where the need is written down')
      .requiredOption('--not-before <instant>', 'such as 2026-11-22T18:00:00Z')
      .requiredOption('--not-after <instant>', 'end of the window')
      .option('--approve-by <instant>', 'approvals must be complete by then (default: end of the window)')
      .option('--max-uses <n>', 'how often it may be used', '1')
      .action(async (options: CreateRequestOptions) => (await commands()).createRequest(cli, options)),
    ['strongroom request create --asset 0192… --shards 0-3 --node 0192… --purpose evaluation --ticket EVAL-114 --not-before 2026-11-22T18:00:00Z --not-after 2026-11-22T20:00:00Z'],
  );
  serverLeaf(request, 'list', 'requests, newest first').option('--state <state>', 'only those in this state').action(async (options: CommonOptions & { state?: string }) => (await commands()).listRequests(cli, options));
  serverLeaf(request, 'show <id>', 'one request: exactly what is digested, its short digest, what is missing, who signed').action(async (id: string, options: CommonOptions) => (await commands()).showRequest(cli, id, options));
  serverLeaf(request, 'withdraw <id>', 'take your own request back').action(async (id: string, options: CommonOptions) => (await commands()).withdrawRequest(cli, id, options));
  serverLeaf(request, 'revoke <id>', 'end a request and what was released for it, at once').requiredOption(...REASON).action(async (id: string, options: RevokeOptions) => (await revocations()).revoke(cli, 'request', id, options));

  for (const decision of ['approve', 'deny'] as const) addVote(program, cli, decision);
  examples(
    serverLeaf(program, 'revoke <kind> <id>', 'cut off a request, an asset or a node, at once').requiredOption(...REASON).action(async (kind: string, id: string, options: RevokeOptions) => (await revocations()).revoke(cli, kind, id, options)),
    ['strongroom revoke request 0192… --reason "wrong node"', 'strongroom revoke node 0192… --reason "alert 4411"'],
  );
}

function addVote(program: Command, cli: Cli, decision: 'approve' | 'deny'): void {
  const what = decision === 'approve' ? 'approve a request' : 'deny a request; one denial is final';
  examples(
    withTrust(serverLeaf(program, `${decision} <id>`, `${what}: shows exactly what you sign, asks, signs on this machine`))
      .option('--factor <factor>', 'owner, security or executive (default: the only one you may fill)')
      .requiredOption('--authenticator <file>', 'development authenticator, mode 0600: JSON {credential_id, private_key, aaguid} or a P-256 key in PKCS#8 PEM')
      .option('--approval-server <url>', 'approval host, one of those the anchors name (default: the first)')
      .option('--yes', 'do not ask')
      .addHelpText(
        'after',
        `
Digests of request and weights are computed here, from the request shown and the manifest both roles signed, against the pinned
anchors (strongroom trust pin). Software authenticators count in the development profile only; hardware keys come with the console.`,
      )
      .action(async (id: string, options: VoteOptions) => (await import('./vote-commands.js')).vote(cli, decision, id, options)),
    [`strongroom ${decision} 0192… --factor security --authenticator authenticator.json`],
  );
}
