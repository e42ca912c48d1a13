import { EncodingError } from './errors.js';

/** One DER element. `raw` and `content` are views of the input; nothing is copied. */
export interface DerElement {
  /** The identifier octet, e.g. 0x30 SEQUENCE, 0xa0 context [0] constructed. */
  readonly tag: number;
  /** Identifier, length and content as they stood. */
  readonly raw: Uint8Array;
  readonly content: Uint8Array;
}

export const DER = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06,
  utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
} as const;

const MAX_CHILDREN = 256;

const malformed = (message: string): EncodingError => new EncodingError('der-malformed', message);

/**
 * Reads exactly one DER element (X.690): definite, minimal lengths, single-octet tags, no trailing bytes.
 * The order inside SET OF is not checked: real endorsement-key certificates break it.
 * @throws EncodingError `der-malformed` | `der-too-large`
 */
export function parseDer(bytes: Uint8Array, maxBytes: number): DerElement {
  if (bytes.length > maxBytes) throw new EncodingError('der-too-large', `DER of ${bytes.length} bytes; at most ${maxBytes}`);
  const { element, end } = readElement(bytes, 0);
  if (end !== bytes.length) throw malformed('bytes after the element');
  return element;
}

/**
 * How many bytes the first element takes. For what stands in storage larger than itself, such as a TPM's NV index; see that nothing but
 * filling follows before the rest is dropped.
 * @throws EncodingError `der-malformed`
 */
export function derSize(bytes: Uint8Array): number {
  return readElement(bytes, 0).end;
}

/** The elements inside a constructed one, at most 256. @throws EncodingError `der-malformed` */
export function derChildren(element: DerElement): readonly DerElement[] {
  if ((element.tag & 0x20) === 0) throw malformed('a primitive element has no children');
  const children: DerElement[] = [];
  for (let offset = 0; offset < element.content.length; ) {
    if (children.length === MAX_CHILDREN) throw malformed(`more than ${MAX_CHILDREN} elements`);
    const { element: child, end } = readElement(element.content, offset);
    children.push(child);
    offset = end;
  }
  return children;
}

function readElement(bytes: Uint8Array, start: number): { element: DerElement; end: number } {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw malformed('element is cut short');
  if ((tag & 0x1f) === 0x1f) throw malformed('tags of several octets are not read');
  const { length, next } = readLength(bytes, start + 2, first);
  const end = next + length;
  if (end > bytes.length) throw malformed('length reaches past the end');
  return { element: { tag, raw: bytes.subarray(start, end), content: bytes.subarray(next, end) }, end };
}

function readLength(bytes: Uint8Array, at: number, first: number): { length: number; next: number } {
  if (first < 0x80) return { length: first, next: at };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 3) throw malformed('length is indefinite or longer than three octets');
  let length = 0;
  for (let i = 0; i < octets; i++) {
    const octet = bytes[at + i];
    if (octet === undefined) throw malformed('length is cut short');
    length = length * 256 + octet;
  }
  if (length < 0x80 || length < 256 ** (octets - 1)) throw malformed('length is not minimal');
  return { length, next: at + octets };
}

/** Narrows to an element of `tag`. @throws EncodingError `der-malformed` */
export function expectDer(element: DerElement | undefined, tag: number, what: string): DerElement {
  if (element?.tag !== tag) throw malformed(`${what}: another type, or absent`);
  return element;
}

/** OBJECT IDENTIFIER in dotted form. @throws EncodingError `der-malformed` */
export function derOid(element: DerElement): string {
  const { content } = expectDer(element, DER.oid, 'object identifier');
  const last = content.at(-1);
  if (last === undefined || last >= 0x80 || content.length > 64) throw malformed('object identifier is cut short or too long');
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const octet of content) {
    if (fresh && octet === 0x80) throw malformed('object identifier arc is not minimal');
    arc = arc * 128 + (octet & 0x7f);
    if (arc > 0xffff_ffff) throw malformed('object identifier arc is too large');
    fresh = octet < 0x80;
    if (fresh) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head = 0, ...rest] = arcs;
  const root = Math.min(Math.floor(head / 40), 2);
  return [root, head - root * 40, ...rest].join('.');
}

/** The octets of a BIT STRING and how many bits of the last are unused. @throws EncodingError `der-malformed` */
export function derBits(element: DerElement): { bytes: Uint8Array; unused: number } {
  const { content } = expectDer(element, DER.bitString, 'bit string');
  const unused = content[0];
  if (unused === undefined || unused > 7 || (unused > 0 && content.length === 1)) throw malformed('bit string is malformed');
  return { bytes: content.subarray(1), unused };
}

/** BOOLEAN, 0x00 or 0xff. @throws EncodingError `der-malformed` */
export function derBoolean(element: DerElement): boolean {
  const { content } = expectDer(element, DER.boolean, 'boolean');
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed('boolean is neither 00 nor ff');
  return content[0] === 0xff;
}

/** A non-negative INTEGER below 2^31. @throws EncodingError `der-malformed` */
export function derSmallInteger(element: DerElement): number {
  const { content } = expectDer(element, DER.integer, 'integer');
  const [first, second] = content;
  if (first === undefined || first >= 0x80 || content.length > 4 || (first === 0 && second !== undefined && second < 0x80)) {
    throw malformed('integer is negative, not minimal or too large');
  }
  return content.reduce((value, octet) => value * 256 + octet, 0);
}

/** UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5 (to the second, ending in Z). @throws EncodingError `der-malformed` */
export function derTime(element: DerElement): Date {
  const text = Buffer.from(element.content).toString('latin1');
  const form = element.tag === DER.utcTime ? /^\d{12}Z$/ : element.tag === DER.generalizedTime ? /^\d{14}Z$/ : undefined;
  if (!form?.test(text)) throw malformed('time is not in the form of RFC 5280');
  const full = text.length === 15 ? text : `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`;
  const iso = full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const instant = new Date(iso);
  // The round trip refuses February 30th, which Date would otherwise move into March.
  if (Number.isNaN(instant.getTime()) || instant.toISOString().replace('.000', '') !== iso) throw malformed('time does not exist');
  return instant;
}
