import { createHash } from 'node:crypto';
import type { PcrBank } from '@strongroom/attestation-model';
import { CollectorError } from './errors.js';

/** One file of the agent as it is on disk. */
export interface MeasuredFile {
  /** Relative, with `/` between parts, the same on every machine. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const PATH = /^[\x21-\x7e][\x20-\x7e]{0,499}$/;

/**
 * What the agent extends its PCR with: SHA-256 over the RFC 8785 form of
 * `{anchors, files: [{digest, path}], type: "strongroom/agent-measurement/v1"}`, files in code-point order of their paths.
 * The agent reads its own files: this tells a verifier what was installed, not what a tampered machine really runs.
 *
 * @param measured.anchorsDigest `sha256:<hex>` of the anchors the agent pins.
 * @returns 32 bytes.
 * @throws CollectorError `measurement-invalid` without files, for a path twice, not ASCII or not plainly relative, or without anchors.
 */
export function agentMeasurement(measured: { readonly files: readonly MeasuredFile[]; readonly anchorsDigest: string }): Uint8Array {
  if (!DIGEST.test(measured.anchorsDigest)) throw invalid('anchorsDigest must be sha256:<hex>');
  if (measured.files.length === 0) throw invalid('an agent of no files');
  if (new Set(measured.files.map(({ path }) => path)).size !== measured.files.length) throw invalid('a path is measured twice');
  const files = measured.files
    .map(({ path, bytes }) => ({ digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, path: requirePath(path) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  // Members in code-point order and ASCII values only: JSON.stringify gives exactly the RFC 8785 form here.
  const canonical = JSON.stringify({ anchors: measured.anchorsDigest, files, type: 'strongroom/agent-measurement/v1' });
  return new Uint8Array(createHash('sha256').update(canonical, 'utf8').digest());
}

function requirePath(path: string): string {
  const plain = PATH.test(path) && !path.includes('\\') && path.split('/').every((part) => !['', '.', '..'].includes(part));
  if (!plain) throw invalid('a path must be relative, of printable ASCII, without empty, "." or ".." parts');
  return path;
}

/**
 * The value of a PCR after extends: for making reference values.
 *
 * @param initialHex where it starts, lowercase hex of the bank's size: zeros for PCRs 0 to 15 (but for a start locality in PCR 0).
 * @param extensions each exactly of the bank's size.
 * @returns lowercase hex.
 * @throws CollectorError `measurement-invalid`
 */
export function expectedPcr(initialHex: string, extensions: readonly Uint8Array[], bank: PcrBank['bank'] = 'sha256'): string {
  const sizeBytes = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }[bank];
  if (initialHex.length !== sizeBytes * 2 || !/^[0-9a-f]+$/.test(initialHex)) throw invalid(`a ${bank} PCR is ${sizeBytes} bytes in lowercase hex`);
  let value = Buffer.from(initialHex, 'hex');
  for (const extension of extensions) {
    if (extension.length !== sizeBytes) throw invalid(`a ${bank} PCR is extended with ${sizeBytes} bytes`);
    value = createHash(bank).update(value).update(extension).digest();
  }
  return value.toString('hex');
}

function invalid(message: string): CollectorError {
  return new CollectorError('measurement-invalid', message);
}
