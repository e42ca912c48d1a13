import { createHash, sign } from 'node:crypto';
import type { PcrBank, SoftwareEvidence, SoftwareStatement } from '@strongroom/attestation-model';
import type { ActivationChallenge, EvidenceCollector, NodeHardwareIdentity } from '../collector.js';
import { CollectorError } from '../errors.js';
import { expectedPcr } from '../measurement.js';
import { requireMeasurement } from '../tpm/pcr.js';
import { PCR_COUNT, requireSelection } from '../tpm/pcr-selection.js';
import type { PcrSelection } from '../tpm/pcr-selection.js';
import { DEFAULT_SELECTION } from '../tpm/tpm-collector.js';
import { openSoftwareCredential } from './credential.js';
import { loadSoftwareKey } from './software-key.js';
import type { SoftwareKey } from './software-key.js';

export interface SoftwareCollectorOptions {
  /** Where the key is kept. */
  readonly stateFolder: string;
  /** Of the SHA-256 bank, the only one there is. */
  readonly selection?: readonly PcrSelection[];
}

const ZEROS = '00'.repeat(32);

/**
 * Opens the development profile's collector: a key in a file and PCRs in memory. Its evidence says what the agent says,
 * signed; only a development appraisal policy accepts it.
 */
export async function openSoftwareCollector(options: SoftwareCollectorOptions): Promise<EvidenceCollector> {
  const selection = requireSelection(options.selection ?? DEFAULT_SELECTION);
  if (selection.some(({ bank }) => bank !== 'sha256')) throw new CollectorError('pcr-unavailable', 'software PCRs have the SHA-256 bank alone');
  return new SoftwareCollector(await loadSoftwareKey(options.stateFolder), selection);
}

class SoftwareCollector implements EvidenceCollector {
  readonly kind = 'software';
  readonly #pcrs: string[] = Array.from({ length: PCR_COUNT }, () => ZEROS);
  #key: SoftwareKey | undefined;

  constructor(
    key: SoftwareKey,
    private readonly selection: readonly PcrSelection[],
  ) {
    this.#key = key;
  }

  async identity(): Promise<NodeHardwareIdentity> {
    const { name, publicKeyInfo } = this.#openKey();
    const hardwareId = `sha256:${createHash('sha256').update(publicKeyInfo).digest('hex')}`;
    return { kind: 'software', akName: name, akPublic: base64url(publicKeyInfo), hardwareId };
  }

  async activate(challenge: ActivationChallenge): Promise<Uint8Array> {
    return openSoftwareCredential(this.#openKey(), challenge);
  }

  async measure(pcr: number, digest: Uint8Array): Promise<void> {
    requireMeasurement(pcr, digest);
    this.#openKey();
    this.#pcrs[pcr] = expectedPcr(this.#pcrs[pcr] ?? ZEROS, [digest]);
  }

  async measureOnce(pcr: number, digest: Uint8Array): Promise<boolean> {
    requireMeasurement(pcr, digest);
    if (this.#pcrs[pcr] === expectedPcr(ZEROS, [digest])) return false;
    await this.measure(pcr, digest);
    return true;
  }

  async collect(bindingDigest: Uint8Array): Promise<SoftwareEvidence> {
    requireMeasurement(0, bindingDigest); // 32 bytes, like every digest here
    const { privateKey, publicKeyInfo } = this.#openKey();
    const statement = canonicalStatement({ binding: base64url(bindingDigest), pcrs: this.#selected(), type: 'strongroom/software-evidence/v1' });
    const signature = sign('sha256', statement, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return { kind: 'software', statement: base64url(statement), signature: base64url(signature), public_key: base64url(publicKeyInfo) };
  }

  async close(): Promise<void> {
    this.#key = undefined;
  }

  #openKey(): SoftwareKey {
    if (this.#key === undefined) throw new CollectorError('tpm-closed', 'the software collector is closed');
    return this.#key;
  }

  #selected(): readonly PcrBank[] {
    return this.selection.map(({ bank, indices }) => ({
      bank,
      values: Object.fromEntries(indices.map((index) => [String(index), this.#pcrs[index] ?? ZEROS])),
    }));
  }
}

/**
 * RFC 8785 bytes of a statement. Its values are ASCII without escapes, so only the order of members needs care, and that
 * of PCR indices is textual there: "15" stands before "2". JSON.stringify would put integer-like names in numeric order.
 */
function canonicalStatement({ binding, pcrs, type }: SoftwareStatement): Buffer {
  const banks = pcrs.map(({ bank, values }) => {
    const members = Object.keys(values).sort().map((index) => `${JSON.stringify(index)}:${JSON.stringify(values[index])}`);
    return `{"bank":${JSON.stringify(bank)},"values":{${members.join(',')}}}`;
  });
  return Buffer.from(`{"binding":${JSON.stringify(binding)},"pcrs":[${banks.join(',')}],"type":${JSON.stringify(type)}}`, 'utf8');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
