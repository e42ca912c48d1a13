import { canonicalDigest, parseCanonicalJson, parseDsse } from '@strongroom/attestation-encoding';
import { ContractError, GENESIS, verifyGenesis, verifyPinnedAnchors, type Anchors, type Genesis, type Signed } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';
import { readJson } from '../files.js';
import { readPins, requireDigest, type Pins } from './pins.js';

/** Whom a verification believes: anchors (and genesis) held against digests that came another way than the data. */
export interface Trust {
  readonly anchors: Signed<Anchors>;
  /** Absent where only the anchors are pinned. */
  readonly genesis?: Signed<Genesis>;
}

/** What the person names on the command line. */
export interface TrustOptions {
  readonly anchors?: string;
  readonly anchorsDigest?: string;
  readonly genesis?: string;
  readonly genesisDigest?: string;
}

/** Documents that came with the data. They are only as good as the pins. */
export interface AccompanyingDocuments {
  readonly anchors?: unknown;
  readonly genesis?: unknown;
}

const MAX_GENESIS_BYTES = 16 * 1024;

/**
 * Finds anchors and genesis and proves them against the pins: `options` first, then what `strongroom trust pin` kept. Documents may
 * come from anywhere, pins never from beside the data.
 *
 * @param now the instant at which the anchors must be in force.
 * @throws CliError `trust-not-pinned` | `usage` | `file-*`; ContractError `anchors-untrusted` | `genesis-mismatch` | `statement-*`
 */
export async function resolveTrust(options: TrustOptions, beside: AccompanyingDocuments, state: string, now: Date): Promise<Trust> {
  const kept = await readPins(state);
  const { genesisDigest, anchorsDigest } = pinsInForce(options, kept);
  const anchors = options.anchors === undefined ? (beside.anchors ?? kept.anchors) : await readJson(options.anchors);
  const genesis = options.genesis === undefined ? (beside.genesis ?? kept.genesis) : await readJson(options.genesis);
  if (genesisDigest === undefined && anchorsDigest === undefined) {
    throw new CliError('trust-not-pinned', 'nothing says whom to believe', {
      remedy: 'give --genesis-digest sha256:… as you received it out of band, or pin it once with: strongroom trust pin',
    });
  }
  if (anchors === undefined) throw new CliError('trust-not-pinned', 'there are no anchors', { remedy: 'give --anchors FILE' });
  return verifyTrust({ anchors, genesis, genesisDigest, anchorsDigest }, now);
}

/** A pin on the command line takes the place of all that are kept, unless the kept ones say the same. */
function pinsInForce(options: TrustOptions, kept: Pins): { genesisDigest: string | undefined; anchorsDigest: string | undefined } {
  const genesisDigest = options.genesisDigest === undefined ? undefined : requireDigest(options.genesisDigest, 'the genesis digest');
  const anchorsDigest = options.anchorsDigest === undefined ? undefined : requireDigest(options.anchorsDigest, 'the anchors digest');
  const keptApplies = genesisDigest === undefined && (anchorsDigest === undefined || anchorsDigest === kept.anchors_digest);
  return keptApplies ? { genesisDigest: kept.genesis_digest, anchorsDigest: kept.anchors_digest } : { genesisDigest, anchorsDigest };
}

/** @throws CliError `trust-not-pinned`; ContractError `anchors-untrusted` | `genesis-mismatch` | `statement-*` */
export function verifyTrust(
  given: { readonly anchors: unknown; readonly genesis: unknown; readonly genesisDigest: string | undefined; readonly anchorsDigest: string | undefined },
  now: Date,
): Trust {
  const { genesisDigest, anchorsDigest } = given;
  if (genesisDigest === undefined) {
    if (anchorsDigest === undefined) throw new CliError('trust-not-pinned', 'nothing says whom to believe');
    return { anchors: verifyPinnedAnchors(given.anchors, anchorsDigest, now) };
  }
  if (given.genesis === undefined) throw new CliError('trust-not-pinned', 'there is no genesis statement', { remedy: 'give --genesis FILE' });
  const named = anchorsNamedBy(given.genesis, genesisDigest);
  if (anchorsDigest !== undefined && anchorsDigest !== named) throw new ContractError('genesis-mismatch', 'the pinned genesis names other anchors than the ones pinned');
  const anchors = verifyPinnedAnchors(given.anchors, named, now);
  return { anchors, genesis: verifyGenesis(given.genesis, genesisDigest, anchors) };
}

/** The anchors digest inside the genesis statement, whose own digest is pinned: so the one pin settles both. */
function anchorsNamedBy(envelope: unknown, pinnedDigest: string): string {
  let value: unknown;
  try {
    value = parseCanonicalJson(parseDsse(envelope, MAX_GENESIS_BYTES).payload, MAX_GENESIS_BYTES);
  } catch (cause) {
    throw new ContractError('statement-malformed', 'the genesis statement is malformed', { cause });
  }
  if (canonicalDigest(value) !== pinnedDigest) throw new ContractError('genesis-mismatch', 'the genesis statement is not the one pinned');
  const parsed = GENESIS.schema.safeParse(value);
  if (!parsed.success) throw new ContractError('statement-malformed', 'the genesis statement is malformed', { cause: parsed.error });
  return parsed.data.anchors_digest;
}
