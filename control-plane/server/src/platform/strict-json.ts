import { StrongroomError } from './errors.js';

const MAX_DEPTH = 32;
/** The framework takes the last two out of a body without a word; a member nobody knows is an error, like any other. */
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
/** Strings, numbers, and the characters that open, close or divide. Run only over text that JSON.parse accepted. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\]:,]/gy;

/**
 * Parses a request body. Beyond JSON.parse: UTF-8 must be valid, one object may not carry a name twice (readers differ on
 * which counts), names that reach a prototype are refused, numbers must survive as doubles, and nesting ends at 32.
 * @throws StrongroomError `body-*`
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new StrongroomError('body-encoding', undefined, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The cause quotes the body, so it is not kept.
    throw new StrongroomError('body-malformed', undefined, { cause: (cause as Error).name });
  }
  assertStrict(text);
  return value;
}

interface Level {
  /** Names seen; undefined for an array. */
  readonly names: Set<string> | undefined;
  expectsName: boolean;
}

function assertStrict(text: string): void {
  const levels: Level[] = [];
  for (const token of tokens(text)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length >= MAX_DEPTH) throw new StrongroomError('body-too-deep', `JSON may be nested ${MAX_DEPTH} deep`);
      levels.push({ names: token === '{' ? new Set() : undefined, expectsName: token === '{' });
    } else if (token === '}' || token === ']') levels.pop();
    else if (token === ',') {
      if (level?.names) level.expectsName = true;
    } else if (token.startsWith('"')) {
      if (level?.names && level.expectsName) assertName(token, level.names);
      if (level) level.expectsName = false;
    } else if (token !== ':') assertNumber(token);
  }
}

/** White space and the words true, false and null are skipped: nothing hangs on them. */
function* tokens(text: string): Generator<string> {
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token !== undefined) yield token;
    at += token?.length ?? 1;
  }
}

function assertName(token: string, names: Set<string>): void {
  const name = JSON.parse(token) as string;
  if (FORBIDDEN_NAMES.has(name)) throw new StrongroomError('body-forbidden-name');
  if (names.has(name)) throw new StrongroomError('body-duplicate-name');
  names.add(name);
}

function assertNumber(token: string): void {
  const value = Number(token);
  const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (!exact) throw new StrongroomError('body-number', 'write numbers beyond ±2^53 as decimal strings');
}
