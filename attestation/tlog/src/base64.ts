const SHAPE = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64 with padding (RFC 4648 section 4), as every C2SP format has it. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Reads standard base64. `undefined` unless it is the one spelling of its bytes: padded, no white space, no stray bits. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !SHAPE.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
}

/** A SHA-256 hash in base64, or `undefined`. */
export function hashFromBase64(text: string): Uint8Array | undefined {
  if (text.length !== 44) return undefined;
  const bytes = fromBase64(text);
  return bytes?.length === 32 ? bytes : undefined;
}
