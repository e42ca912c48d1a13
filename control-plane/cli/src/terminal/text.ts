/**
 * Characters that could move the cursor, hide text, or turn its direction: control characters (C0 without newline and tab, DEL,
 * C1), line and paragraph separators, bidirectional and invisible formatting, and lone surrogates.
 */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}|[\u{e0000}-\u{e007f}]/gu;
const UNSAFE_INLINE = new RegExp(`[\\n\\t]|${UNSAFE.source}`, 'gu');

/** Text from elsewhere on one line, every unsafe character shown as `\u{…}`. */
export function shown(text: string): string {
  return text.replace(UNSAFE_INLINE, escaped);
}

/** JSON for people and programs: the same value when parsed, and nothing in it that a terminal would act on. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, jsonValue, 2).replace(UNSAFE, (character) => {
    return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
  });
}

function jsonValue(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
