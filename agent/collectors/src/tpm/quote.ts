import { malformed, TpmReader, TpmWriter } from './bytes.js';
import { passwordAuthorization } from './command.js';
import type { Tpm } from './command.js';
import { TPM_ALG, TPM_ST } from './constants.js';
import { marshalSelection, unmarshalSelection } from './pcr-selection.js';
import type { PcrSelection } from './pcr-selection.js';

const TPM_GENERATED = 0xff544347;

export interface Quote {
  /** TPMS_ATTEST exactly as signed. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
}

/** TPM2_Quote with the key's own scheme. Nothing is verified here: the verifier does that. */
export async function quote(tpm: Tpm, signKey: number, qualifyingData: Uint8Array, selection: readonly PcrSelection[]): Promise<Quote> {
  const parameters = new TpmWriter().sized(qualifyingData).u16(TPM_ALG.NULL).bytes(marshalSelection(selection)).finish();
  const response = await tpm.execute({ name: 'Quote', handles: [signKey], authorizations: [passwordAuthorization()], parameters });
  const attest = response.parameters.sized(2048);
  const signature = response.parameters.bytes(response.parameters.remaining);
  requireSignature(signature);
  return { attest, signature };
}

/** ECDSA (algorithm, hash, r, s) is what our keys make; the shape is checked so that no rubbish travels. */
function requireSignature(signature: Uint8Array): void {
  const reader = new TpmReader(signature);
  if (reader.u16() !== TPM_ALG.ECDSA || reader.u16() !== TPM_ALG.SHA256) throw malformed('a signature of another scheme');
  reader.sized(32);
  reader.sized(32);
  reader.end();
}

/** What a quote says, read without verifying it. */
export interface QuoteContents {
  readonly qualifyingData: Uint8Array;
  readonly clockMs: bigint;
  /** Rises by one with every start of the TPM that is not a resume. */
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
  readonly firmwareVersion: bigint;
  readonly selection: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
}

/**
 * Reads a TPMS_ATTEST of type quote to its last byte.
 *
 * @throws CollectorError `tpm-response-malformed`
 * @see TPM 2.0 Library, Part 2, TPMS_ATTEST
 */
export function readQuote(attest: Uint8Array): QuoteContents {
  const reader = new TpmReader(attest);
  if (reader.u32() !== TPM_GENERATED || reader.u16() !== TPM_ST.ATTEST_QUOTE) throw malformed('not a quote');
  reader.sized(68); // qualified signer
  const qualifyingData = reader.sized(64);
  const clockMs = reader.u64();
  const [resetCount, restartCount, safe] = [reader.u32(), reader.u32(), reader.u8() === 1];
  const firmwareVersion = reader.u64();
  const selection = unmarshalSelection(reader);
  const pcrDigest = reader.sized(64);
  reader.end();
  return { qualifyingData, clockMs, resetCount, restartCount, safe, firmwareVersion, selection, pcrDigest };
}
