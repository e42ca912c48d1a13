/** A part of something `total` bytes long. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a Range header (RFC 9110, section 14.2). Undefined: send everything, as for no header or a unit that is not bytes.
 * `unsatisfiable`: nothing of it exists, or it is malformed, or asks for several parts, which this server does not send.
 */
export function parseByteRange(header: string | undefined, total: number): ByteRange | 'unsatisfiable' | undefined {
  if (header === undefined || !header.startsWith('bytes=')) return undefined;
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header);
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return 'unsatisfiable';
  const offset = first === '' ? Math.max(0, total - Number(last)) : Number(first);
  const end = first === '' || last === '' ? total - 1 : Math.min(Number(last), total - 1);
  if (offset > end) return 'unsatisfiable';
  return { offset, length: end - offset + 1 };
}
