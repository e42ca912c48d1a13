import { createHash } from 'node:crypto';
import type { PcrBank } from '@strongroom/attestation-model';
import { parseAttest, parseSignature, verifySignature, type PublicArea } from '@strongroom/attestation-tpm2';

/** The verdict as text: what `judge` returned, or the code of its refusal. Anything without a code is a defect and is thrown. */
export function verdict(judge: () => unknown): string {
  try {
    const result = judge();
    return typeof result === 'string' ? result : 'accept';
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && /^[a-z0-9]+(-[a-z0-9]+)+$/.test(cause.code)) return cause.code;
    throw cause;
  }
}

/** A quote whose challenge is not of our length: its signature and PCR digest, step by step. */
export function judgeForeignQuote(attest: Uint8Array, signature: Uint8Array, key: PublicArea, pcrs: readonly PcrBank[]): string {
  const parsed = parseAttest(attest);
  const read = parseSignature(signature);
  if (!verifySignature(key, attest, read)) return 'signature does not hold';
  if (parsed.type !== 'quote') return 'no quote';
  const digest = createHash(read.hash);
  for (const { bank, indexes } of parsed.selection) {
    const values = pcrs.find((candidate) => candidate.bank === bank)?.values ?? {};
    for (const index of indexes) digest.update(Buffer.from(values[String(index)] ?? '', 'hex'));
  }
  return digest.digest().equals(parsed.pcrDigest) ? 'accept' : 'PCR values are not those quoted';
}

export function readPem(pem: string): Uint8Array {
  const [, body = ''] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(pem) ?? [];
  return new Uint8Array(Buffer.from(body, 'base64'));
}

/** A certificate file, PEM or DER. */
export function readCertificateFile(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x30 ? bytes : readPem(Buffer.from(bytes).toString('latin1'));
}
