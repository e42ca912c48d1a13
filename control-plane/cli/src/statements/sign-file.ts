import { canonicalDigest, mergeDsse, parseCanonicalJson, parseDsse, EncodingError, type DsseEnvelope } from '@strongroom/attestation-encoding';
import { parseStatementValue, signStatement, type StatementKind } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';
import { jsonFile, readJson, writeWhole } from '../files.js';
import { readEd25519Key } from '../people/private-key.js';
import { shown } from '../terminal/text.js';

type Kind = StatementKind<Parameters<typeof parseStatementValue>[0]['schema']>;

export interface SignFileOptions {
  /** The statement as JSON, or an envelope around it. */
  readonly input: string;
  readonly key: string;
  /** Where the envelope goes; signatures that are there already over the same payload are kept. */
  readonly out: string;
}

export interface SignedFile {
  readonly digest: string;
  readonly value: unknown;
  readonly keyIds: readonly string[];
}

/**
 * Signs one statement with one person's key, in DSSE, beside the signatures already there. The statement's shape is checked first.
 * @throws CliError `file-*` | `key-unsuitable`; ContractError `statement-malformed`
 */
export async function signFile(kind: Kind, { input, key, out }: SignFileOptions): Promise<SignedFile> {
  const value = parseStatementValue(kind, await readStatement(kind, input));
  const signed = signStatement(kind, value, [await readEd25519Key(key)]);
  const envelope = merge(await existing(out, kind), signed, out);
  await writeWhole(out, jsonFile(envelope));
  return { digest: canonicalDigest(value), value, keyIds: envelope.signatures.map(({ keyid }) => keyid) };
}

async function readStatement(kind: Kind, path: string): Promise<unknown> {
  const json = await readJson(path);
  if (typeof json !== 'object' || json === null || !('payload' in json)) return json;
  const envelope = parsed(json, kind, path);
  return parseCanonicalJson(envelope.payload, kind.maxBytes);
}

/** @throws CliError `file-malformed` for an envelope of another kind */
function parsed(json: unknown, kind: Kind, path: string): ReturnType<typeof parseDsse> {
  try {
    const found = parseDsse(json, kind.maxBytes);
    if (found.envelope.payloadType === kind.payloadType) return found;
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new CliError('file-malformed', `${shown(path)} is not a signed envelope`, { cause });
  }
  throw new CliError('file-malformed', `${shown(path)} is an envelope of another kind than ${kind.payloadType}`);
}

async function existing(path: string, kind: Kind): Promise<DsseEnvelope | undefined> {
  try {
    return parsed(await readJson(path), kind, path).envelope;
  } catch (error) {
    if (error instanceof CliError && error.code === 'file-missing') return undefined;
    throw error;
  }
}

function merge(before: DsseEnvelope | undefined, signed: DsseEnvelope, out: string): DsseEnvelope {
  if (before === undefined) return signed;
  try {
    return mergeDsse(before, signed);
  } catch (cause) {
    throw new CliError('file-exists', `${shown(out)} holds signatures over another statement`, { cause, remedy: 'name another file for this one' });
  }
}

/** One envelope from several over the same payload, each signed by somebody. */
export async function readMerged(kind: Kind, paths: readonly string[]): Promise<DsseEnvelope> {
  let merged: DsseEnvelope | undefined;
  for (const path of paths) merged = merge(merged, parsed(await readJson(path), kind, path).envelope, path);
  if (merged === undefined) throw new CliError('usage', 'name at least one envelope');
  return merged;
}
