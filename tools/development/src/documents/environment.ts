import { expectedPcr } from '@strongroom/agent-collectors';
import { toInstant, type EnclaveDocument } from '@strongroom/control-plane-contract';

export type ReferenceEnvironment = EnclaveDocument['enclave']['environments'][number];
export type EvidenceKind = ReferenceEnvironment['kind'];

/** The PCR the agent measures itself into. */
const AGENT_PCR = 15;
const ZEROS = '00'.repeat(32);
/** A development TPM starts without firmware: nothing is measured before the agent. */
const FIRMWARE_PCRS = [0, 1, 2, 3, 4, 5, 6, 7];
const YEARS = 10;

/** Stable names: a manifest allows an environment by name, and a new build of the agent changes its values alone. */
export const ENVIRONMENT_NAMES: Readonly<Record<EvidenceKind, string>> = { tpm2: 'swtpm-node', software: 'software-node' };

/**
 * Reference values for a development node: firmware PCRs at zero, the agent's PCR as one measurement gives it.
 * @param measurementHex what `strongroom-agent identity` prints, 32 bytes.
 */
export function referenceEnvironment(kind: EvidenceKind, measurementHex: string, now: Date): ReferenceEnvironment {
  const measurement = new Uint8Array(Buffer.from(measurementHex, 'hex'));
  const pcrs = Object.fromEntries([...FIRMWARE_PCRS.map((pcr) => [String(pcr), ZEROS] as const), [String(AGENT_PCR), expectedPcr(ZEROS, [measurement])]]);
  // To the year, so that the same agent gives the same document at every start.
  const expires = new Date(Date.UTC(now.getUTCFullYear() + YEARS, 0, 1));
  return { name: ENVIRONMENT_NAMES[kind], kind, bank: 'sha256', pcrs, expires_at: toInstant(expires) };
}
