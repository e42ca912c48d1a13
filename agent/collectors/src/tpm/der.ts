/** Where a DER element lies in its source. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

const MAX_ELEMENTS = 64;

/** Finds the element that begins at `start`. Single-byte tags, definite lengths below 64 KiB. @throws RangeError */
export function elementAt(source: Uint8Array, start: number, limit = source.length): DerElement {
  const tag = byteAt(source, start);
  const first = byteAt(source, start + 1);
  const extra = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || extra > 2) throw new RangeError('a DER length that we do not read');
  let length = extra === 0 ? first : 0;
  for (let i = 0; i < extra; i += 1) length = length * 256 + byteAt(source, start + 2 + i);
  const contentStart = start + 2 + extra;
  if (contentStart + length > limit) throw new RangeError('a DER element longer than what holds it');
  return { tag, start, contentStart, end: contentStart + length };
}

/** The elements directly inside a constructed one. @throws RangeError */
export function elementsIn(source: Uint8Array, parent: DerElement): readonly DerElement[] {
  const found: DerElement[] = [];
  for (let at = parent.contentStart; at < parent.end; at = found.at(-1)?.end ?? parent.end) {
    if (found.length === MAX_ELEMENTS) throw new RangeError('too many DER elements');
    found.push(elementAt(source, at, parent.end));
  }
  return found;
}

function byteAt(source: Uint8Array, at: number): number {
  const byte = source[at];
  if (byte === undefined) throw new RangeError('DER ends early');
  return byte;
}
