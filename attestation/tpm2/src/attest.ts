import { Tpm2Error } from './errors.js';
import { readPcrSelection, type PcrSelection } from './pcr-selection.js';
import { TpmReader } from './reader.js';

/** TPMS_CLOCK_INFO (Part 2, section 10.11.1). */
export interface ClockInfo {
  readonly clockMs: bigint;
  /** Rises at each reset of the TPM, i.e. each reboot. */
  readonly resetCount: number;
  readonly restartCount: number;
  /** False when the clock may have run backwards. */
  readonly safe: boolean;
}

interface AttestHeader {
  /** The caller's 32 bytes, or what stands in their place. */
  readonly extraData: Uint8Array;
  readonly clock: ClockInfo;
  /** Vendor's own number, sixteen hex digits. */
  readonly firmwareVersion: string;
}

export interface QuoteAttest extends AttestHeader {
  readonly type: 'quote';
  readonly selection: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
}

export interface CertifyAttest extends AttestHeader {
  readonly type: 'certify';
  /** TPM name of the certified object, lowercase hex. */
  readonly certifiedName: string;
}

/** TPMS_ATTEST, of the two types used here. Parsed, not verified. */
export type Attest = QuoteAttest | CertifyAttest;

const MAX_ATTEST_BYTES = 2048;
const MAX_DIGEST_BYTES = 64;
const MAX_NAME_BYTES = 2 + MAX_DIGEST_BYTES;
/** 0xff ‖ "TCG": a restricted key never signs outside data that begins so (Part 2, section 6.2). */
const TPM_GENERATED = 0xff544347;
const TPM_ST_ATTEST_CERTIFY = 0x8017;
const TPM_ST_ATTEST_QUOTE = 0x8018;

/**
 * Reads a TPMS_ATTEST (Part 2, section 10.12.12) of at most 2 KiB, with nothing after it.
 * @throws Tpm2Error `tpm-quote-malformed` | `tpm-quote-magic` | `tpm-quote-type` | `tpm-quote-trailing`
 */
export function parseAttest(bytes: Uint8Array): Attest {
  const reader = new TpmReader(bytes, MAX_ATTEST_BYTES, 'tpm-quote-malformed');
  if (reader.uint32() !== TPM_GENERATED) throw new Tpm2Error('tpm-quote-magic', 'statement does not begin with TPM_GENERATED_VALUE');
  const type = reader.uint16();
  if (type !== TPM_ST_ATTEST_QUOTE && type !== TPM_ST_ATTEST_CERTIFY) throw new Tpm2Error('tpm-quote-type', 'attestation is neither quote nor certify');
  reader.sized(MAX_NAME_BYTES); // qualifiedSigner: it adds the path of parents, which the AK's own name and fixedParent make needless.
  const header: AttestHeader = { extraData: reader.sized(MAX_DIGEST_BYTES), clock: readClock(reader), firmwareVersion: hex(reader.take(8)) };
  const attest: Attest = type === TPM_ST_ATTEST_QUOTE
    ? { type: 'quote', ...header, selection: readPcrSelection(reader), pcrDigest: reader.sized(MAX_DIGEST_BYTES) }
    : { type: 'certify', ...header, certifiedName: readCertifiedName(reader) };
  reader.end('tpm-quote-trailing');
  return attest;
}

function readClock(reader: TpmReader): ClockInfo {
  const clock = { clockMs: reader.uint64(), resetCount: reader.uint32(), restartCount: reader.uint32() };
  const safe = reader.uint8();
  if (safe > 1) throw reader.fail('clock flag is neither yes nor no');
  return { ...clock, safe: safe === 1 };
}

function readCertifiedName(reader: TpmReader): string {
  const name = hex(reader.sized(MAX_NAME_BYTES));
  reader.sized(MAX_NAME_BYTES); // qualifiedName, as above.
  return name;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
