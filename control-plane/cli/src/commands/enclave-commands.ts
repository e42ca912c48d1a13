import { canonicalDigest } from '@strongroom/attestation-encoding';
import { defineEnclave, type Enclave } from '@strongroom/infra-enclave';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { readJson } from '../files.js';
import { fields, table } from '../terminal/table.js';
import type { CommonOptions } from './options.js';

/** Validates a declaration and shows what it says. Whether anything leads out of it is for the prover. */
export async function showEnclave(cli: Cli, path: string, options: CommonOptions): Promise<void> {
  const enclave = defineEnclave(bodyOf(await readJson(path)));
  cli.print(options, { digest: canonicalDigest(enclave), enclave }, () => enclaveText(enclave));
}

/** A declaration, or the document or signed envelope around one. The signatures are not looked at. */
function bodyOf(value: unknown): unknown {
  const { payload, enclave } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (enclave !== undefined) return enclave;
  if (typeof payload !== 'string') return value;
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { enclave?: unknown }).enclave;
  } catch {
    throw new CliError('file-malformed', 'the envelope holds no enclave document');
  }
}

function enclaveText(enclave: Enclave): string {
  const { zones, flows, stores, environments, evidence, budgets, lease } = enclave;
  return [
    fields([
      ['enclave', enclave.id],
      ['tenant', enclave.tenant],
      ['version', enclave.version],
      ['profile', enclave.profile],
      ['aims at', `SL${enclave.security_level.target} (what is reached is measured, and capped by hardware)`],
      ['evidence', `${evidence.kinds.join(', ')}${evidence.require_hardware ? ', hardware required' : ''}`],
      ['environments', environments.map(({ name }) => name).join(', ')],
      ['lease', `${lease.seconds} s, renewed every ${lease.renew_seconds} s`],
      ['digest', canonicalDigest(enclave)],
    ]),
    table(['ZONE', 'KIND', 'CIDR'], zones.map(({ name, kind, cidr }) => [name, kind, cidr])),
    table(['FROM', 'TO', 'PORT', 'PURPOSE'], flows.map(({ from, to, protocol, port, purpose }) => [from, to, `${protocol} ${port}`, purpose])),
    table(['STORE', 'ZONE', 'HOLDS', 'KEY'], stores.map(({ name, zone, holds, key }) => [name, zone, holds, key])),
    table(['BUDGET ROUTE', 'WINDOW', 'RELATIVE CAP', 'ABSOLUTE CAP'], budgets.map((budget) => [budget.route, `${budget.window_seconds} s`, `${budget.relative_cap.numerator}/${budget.relative_cap.denominator} of the asset`, `${budget.absolute_cap_bytes} bytes`])),
  ].join('\n\n');
}
