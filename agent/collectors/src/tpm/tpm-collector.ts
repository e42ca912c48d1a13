import type { PcrBank, Tpm2Evidence } from '@strongroom/attestation-model';
import type { ActivationChallenge, EvidenceCollector, NodeHardwareIdentity } from '../collector.js';
import { CollectorError } from '../errors.js';
import { expectedPcr } from '../measurement.js';
import { Serial } from '../serial.js';
import { ATTESTATION_KEY_HANDLE, ensureAttestationKey } from './attestation-key.js';
import { malformed } from './bytes.js';
import { Tpm } from './command.js';
import { activateCredential } from './credential.js';
import { hardwareIdOf, readEndorsementKey } from './endorsement-key.js';
import type { EndorsementKey } from './endorsement-key.js';
import type { EndorsementKeyProfile } from './key-templates.js';
import { extendPcr, pcrDigest, readPcrs, requireMeasurement } from './pcr.js';
import { requireSelection } from './pcr-selection.js';
import type { PcrSelection } from './pcr-selection.js';
import { nameOf } from './public-area.js';
import type { PublicArea } from './public-area.js';
import { quote, readQuote } from './quote.js';
import type { TpmTransport } from './transport.js';

/** Firmware and boot (0 to 7), and the agent's own measurement (15). */
export const DEFAULT_SELECTION: readonly PcrSelection[] = [{ bank: 'sha256', indices: [0, 1, 2, 3, 4, 5, 6, 7, 15] }];

export interface TpmCollectorOptions {
  readonly selection?: readonly PcrSelection[];
  /** Where the attestation key lives or will live. */
  readonly attestationKeyHandle?: number;
  /** The endorsement key to enrol with; else the most preferred that has a certificate. */
  readonly endorsementKey?: EndorsementKeyProfile['name'];
  /** X.509 DER of the issuers above the endorsement certificate, where the TPM does not hold them. Untrusted, like all evidence. */
  readonly chain?: readonly Uint8Array[];
  /** The hierarchies' passwords; both are empty unless the platform's owner set them. */
  readonly ownerAuth?: Uint8Array;
  readonly endorsementAuth?: Uint8Array;
}

const NO_AUTH = new Uint8Array(0);
const MAX_COLLECTIONS = 5;

/** Opens the collector of a TPM: finds or makes its attestation key. Takes over the transport, which closes with the collector. */
export async function openTpmCollector(transport: TpmTransport, options: TpmCollectorOptions = {}): Promise<EvidenceCollector> {
  const tpm = new Tpm(transport);
  const { ownerAuth = NO_AUTH, endorsementAuth = NO_AUTH } = options;
  try {
    const selection = requireSelection(options.selection ?? DEFAULT_SELECTION);
    const handle = options.attestationKeyHandle ?? ATTESTATION_KEY_HANDLE;
    const attestationKey = await ensureAttestationKey(tpm, handle, { ownerAuth, endorsementAuth });
    await readPcrs(tpm, selection); // a selection that this TPM cannot quote is refused at the start
    return new TpmCollector(tpm, handle, attestationKey, selection, options);
  } catch (error) {
    await tpm.close();
    throw error;
  }
}

class TpmCollector implements EvidenceCollector {
  readonly kind = 'tpm2';
  /** Several commands make one operation, and a TPM without resource manager has three slots for all. */
  readonly #serial = new Serial();
  #endorsement: EndorsementKey | undefined;

  constructor(
    private readonly tpm: Tpm,
    private readonly handle: number,
    private readonly attestationKey: PublicArea,
    private readonly selection: readonly PcrSelection[],
    private readonly options: TpmCollectorOptions,
  ) {}

  identity(): Promise<NodeHardwareIdentity> {
    return this.#serial.run(async () => {
      const endorsement = await this.#endorsementKey();
      const chain = [...endorsement.chain, ...(this.options.chain ?? [])].map(base64url);
      return {
        kind: 'tpm2',
        akName: nameOf(this.attestationKey),
        akPublic: base64url(this.attestationKey.bytes),
        ek: { certificate: base64url(endorsement.certificate), public: base64url(endorsement.publicArea), chain },
        hardwareId: hardwareIdOf(endorsement.subjectPublicKeyInfo),
      };
    });
  }

  activate(challenge: ActivationChallenge): Promise<Uint8Array> {
    return this.#serial.run(async () => {
      const { profile } = await this.#endorsementKey();
      const endorsementAuth = this.options.endorsementAuth ?? NO_AUTH;
      return activateCredential(this.tpm, { attestationKey: this.handle, endorsement: profile, endorsementAuth }, challenge);
    });
  }

  measure(pcr: number, digest: Uint8Array): Promise<void> {
    return this.#serial.run(() => extendPcr(this.tpm, pcr, digest));
  }

  measureOnce(pcr: number, digest: Uint8Array): Promise<boolean> {
    return this.#serial.run(async () => {
      requireMeasurement(pcr, digest);
      const [bank] = await readPcrs(this.tpm, [{ bank: 'sha256', indices: [pcr] }]);
      if (bank?.values[String(pcr)] === expectedPcr('00'.repeat(32), [digest])) return false;
      await extendPcr(this.tpm, pcr, digest);
      return true;
    });
  }

  collect(bindingDigest: Uint8Array): Promise<Tpm2Evidence> {
    return this.#serial.run(async () => {
      requireMeasurement(0, bindingDigest); // 32 bytes, like every digest here
      for (let attempt = 0; attempt < MAX_COLLECTIONS; attempt += 1) {
        const pcrs = await readPcrs(this.tpm, this.selection);
        const made = await quote(this.tpm, this.handle, bindingDigest, this.selection);
        if (isOver(made.attest, bindingDigest, pcrs)) return this.#evidence(made, pcrs);
      }
      throw new CollectorError('pcr-unstable', 'PCRs kept changing between reading and quoting them');
    });
  }

  close(): Promise<void> {
    return this.tpm.close();
  }

  #evidence(made: { readonly attest: Uint8Array; readonly signature: Uint8Array }, pcrs: readonly PcrBank[]): Tpm2Evidence {
    return { kind: 'tpm2', attest: base64url(made.attest), signature: base64url(made.signature), ak_public: base64url(this.attestationKey.bytes), pcrs };
  }

  /** Deriving an RSA key takes a discrete TPM seconds: once is enough. */
  async #endorsementKey(): Promise<EndorsementKey> {
    const { ownerAuth = NO_AUTH, endorsementAuth = NO_AUTH, endorsementKey } = this.options;
    this.#endorsement ??= await readEndorsementKey(this.tpm, { ownerAuth, endorsementAuth }, endorsementKey);
    return this.#endorsement;
  }
}

/** Whether the quote signs these very values; they differ when somebody extended a PCR in between. */
function isOver(attest: Uint8Array, bindingDigest: Uint8Array, pcrs: readonly PcrBank[]): boolean {
  const contents = readQuote(attest);
  if (!Buffer.from(contents.qualifyingData).equals(bindingDigest)) throw malformed('a quote over other data');
  return Buffer.from(contents.pcrDigest).equals(pcrDigest(pcrs));
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
