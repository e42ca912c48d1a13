import { TlogError } from './errors.js';
import { parseVkey, type NoteVerifier } from './vkey.js';

export interface PolicyLog {
  readonly vkey: string;
  /** Absent when the key has a signature type not verified here; such a log is never accepted. */
  readonly verifier?: NoteVerifier;
  readonly url?: string;
}

export interface PolicyWitness {
  /** Only within the policy; the key name stands in the vkey. */
  readonly name: string;
  readonly vkey: string;
  /** Absent when the key has a signature type not verified here; such a witness never counts. */
  readonly verifier?: NoteVerifier;
  readonly url?: string;
}

export type Quorum =
  | { readonly kind: 'none' }
  | { readonly kind: 'witness'; readonly witness: PolicyWitness }
  | { readonly kind: 'group'; readonly name: string; readonly threshold: number; readonly members: readonly QuorumMember[] };

export type QuorumMember = Exclude<Quorum, { readonly kind: 'none' }>;

/** Which logs are accepted, and which witnesses must have cosigned. @see c2sp.org/tlog-policy */
export interface WitnessPolicy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

const MAX_POLICY_BYTES = 1 << 20;
const MAX_LINES = 4096;
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/**
 * Reads a policy file.
 * @throws TlogError `policy-malformed`: no or two quorum lines, a name unknown or used twice, a key twice, a bad threshold …
 * @see c2sp.org/tlog-policy
 */
export function parseWitnessPolicy(input: Uint8Array | string): WitnessPolicy {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  if (bytes.length > MAX_POLICY_BYTES) malformed('too large');
  // Octets above 0x7f are opaque in this format, so names are compared as octets: Latin-1 keeps each one apart.
  const text = Buffer.from(bytes).toString('latin1');
  if (FORBIDDEN.test(text)) malformed('control characters');
  const lines = text.split('\n', MAX_LINES + 1);
  if (lines.length > MAX_LINES) malformed('too many lines');
  const reader = new PolicyReader();
  for (const line of lines) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length > 0 && !words[0]?.startsWith('#')) reader.readLine(words);
  }
  return reader.finish();
}

/** Writes a policy file that `parseWitnessPolicy` reads back. */
export function formatWitnessPolicy(policy: WitnessPolicy): string {
  const urlOf = (entry: { readonly url?: string }): string => (entry.url === undefined ? '' : ` ${entry.url}`);
  const lines = [
    ...policy.logs.map((log) => `log ${log.vkey}${urlOf(log)}`),
    ...policy.witnesses.map((witness) => `witness ${witness.name} ${witness.vkey}${urlOf(witness)}`),
    ...(policy.quorum.kind === 'none' ? [] : formatGroups(policy.quorum)),
    `quorum ${policy.quorum.kind === 'none' ? 'none' : nameOf(policy.quorum)}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * The key of the log with this origin, by its key name.
 * @throws TlogError `policy-log-unknown`
 */
export function policyLog(policy: WitnessPolicy, origin: string): NoteVerifier {
  const verifier = policy.logs.find((log) => log.verifier?.name === origin)?.verifier;
  if (verifier === undefined) throw new TlogError('policy-log-unknown', 'the policy has no usable key for this log');
  return verifier;
}

/** The keys that can count towards the quorum. */
export function policyVerifiers(policy: WitnessPolicy): NoteVerifier[] {
  return policy.witnesses.flatMap((witness) => witness.verifier ?? []);
}

/** Whether these witnesses, by vkey, make the quorum. Each witness counts in one place and once. */
export function isQuorumMet(quorum: Quorum, vkeys: ReadonlySet<string>): boolean {
  switch (quorum.kind) {
    case 'none':
      return true;
    case 'witness':
      return quorum.witness.verifier !== undefined && vkeys.has(quorum.witness.vkey);
    case 'group':
      return quorum.members.filter((member) => isQuorumMet(member, vkeys)).length >= quorum.threshold;
  }
}

class PolicyReader {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #names = new Map<string, QuorumMember>();
  readonly #logKeys = new Set<string>();
  readonly #witnessKeys = new Set<string>();
  readonly #grouped = new Set<string>();
  #quorum: Quorum | undefined;

  readLine(words: readonly string[]): void {
    const [keyword, ...rest] = words;
    if (keyword === 'log') this.#readLog(rest);
    else if (keyword === 'witness') this.#readWitness(rest);
    else if (keyword === 'group') this.#readGroup(rest);
    else if (keyword === 'quorum') this.#readQuorum(rest);
    else malformed('an unknown keyword');
  }

  finish(): WitnessPolicy {
    if (this.#quorum === undefined) malformed('no quorum line');
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }

  #readLog([vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) malformed('log <vkey> [url]');
    const key = readKey(vkey, 'ed25519', this.#logKeys);
    this.#logs.push({ ...key, ...(url === undefined ? {} : { url: utf8(url) }) });
  }

  #readWitness([name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0) malformed('witness <name> <vkey> [url]');
    const key = readKey(vkey, 'cosignature/v1', this.#witnessKeys);
    const witness = { name: utf8(name), ...key, ...(url === undefined ? {} : { url: utf8(url) }) };
    this.#define(name, { kind: 'witness', witness });
    this.#witnesses.push(witness);
  }

  #readGroup([name, rule, ...names]: readonly string[]): void {
    if (name === undefined || rule === undefined || names.length === 0) malformed('group <name> all|any|<k> <members>');
    const members = names.map((member) => this.#takeMember(member));
    const threshold = rule === 'all' ? members.length : rule === 'any' ? 1 : /^[1-9][0-9]{0,3}$/.test(rule) ? Number(rule) : 0;
    if (threshold < 1 || threshold > members.length) malformed('a threshold from 1 to the number of members');
    this.#define(name, { kind: 'group', name: utf8(name), threshold, members });
  }

  #readQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) malformed('quorum <name>');
    if (this.#quorum !== undefined) malformed('two quorum lines');
    this.#quorum = name === 'none' ? { kind: 'none' } : (this.#names.get(name) ?? malformed('the quorum is not defined above'));
  }

  #takeMember(name: string): QuorumMember {
    const member = this.#names.get(name) ?? malformed('a member is not defined above');
    if (this.#grouped.has(name)) malformed('a name is a member twice');
    this.#grouped.add(name);
    return member;
  }

  #define(name: string, member: QuorumMember): void {
    if (name === 'none' || this.#names.has(name)) malformed('a name is defined twice, or reserved');
    this.#names.set(name, member);
  }
}

function readKey(octets: string, type: NoteVerifier['type'], seen: Set<string>): { vkey: string; verifier?: NoteVerifier } {
  const vkey = utf8(octets);
  const verifier = parseSupported(vkey);
  if (verifier !== undefined && verifier.type !== type) malformed('a key of the wrong type for its role');
  const identity = verifier === undefined ? vkey : Buffer.from(verifier.publicKey).toString('hex');
  if (seen.has(identity)) malformed('a key is listed twice');
  seen.add(identity);
  return verifier === undefined ? { vkey } : { vkey, verifier };
}

function parseSupported(vkey: string): NoteVerifier | undefined {
  try {
    return parseVkey(vkey);
  } catch (cause) {
    if (cause instanceof TlogError && cause.code === 'vkey-algorithm') return undefined;
    throw new TlogError('policy-malformed', 'not a verifier key', { cause });
  }
}

function formatGroups(member: QuorumMember): string[] {
  if (member.kind === 'witness') return [];
  const names = member.members.map(nameOf).join(' ');
  return [...member.members.flatMap(formatGroups), `group ${member.name} ${member.threshold} ${names}`];
}

function nameOf(member: QuorumMember): string {
  return member.kind === 'witness' ? member.witness.name : member.name;
}

function utf8(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}

function malformed(what: string): never {
  throw new TlogError('policy-malformed', `policy: ${what}`);
}
