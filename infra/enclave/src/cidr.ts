/** An IPv4 range, as numbers. */
export interface CidrRange {
  readonly first: number;
  readonly last: number;
  readonly prefix: number;
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((text) => parseCidr(text) as CidrRange);

/** Parses `a.b.c.d/n` with the host bits zero and numbers without leading zeros; null for anything else. */
export function parseCidr(text: string): CidrRange | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return null;
  const parts = match.slice(1);
  const numbers = parts.map(Number);
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = numbers;
  // "010" is eight to some readers and ten to others.
  if (parts.some((part, i) => part !== String(numbers[i])) || numbers.slice(0, 4).some((octet) => octet > 255) || prefix > 32) return null;
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { first, last: first + size - 1, prefix } : null;
}

export function overlaps(one: CidrRange, other: CidrRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** Whether the whole range is private address space (RFC 1918). */
export function isPrivate(range: CidrRange): boolean {
  return PRIVATE.some((block) => block.first <= range.first && range.last <= block.last);
}
