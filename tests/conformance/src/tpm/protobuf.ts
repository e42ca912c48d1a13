/** Fields of one protobuf message by number: varints as numbers, everything else as bytes. Only what the vectors need. */
export function readMessage(bytes: Uint8Array): ReadonlyMap<number, readonly (number | Uint8Array)[]> {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const octet = bytes[at++];
      if (octet === undefined) throw new Error('message is cut short');
      value += (octet & 0x7f) * shift;
      if (octet < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    if (key % 8 === 0) values.push(varint());
    else if (key % 8 === 2) {
      const length = varint();
      values.push(bytes.subarray(at, (at += length)));
    } else throw new Error('field of another wire type');
  }
  return fields;
}

/** The byte fields of this number. */
export function byteFields(message: ReadonlyMap<number, readonly (number | Uint8Array)[]>, field: number): readonly Uint8Array[] {
  return (message.get(field) ?? []).filter((value): value is Uint8Array => value instanceof Uint8Array);
}
