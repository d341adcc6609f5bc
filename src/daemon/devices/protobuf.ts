/** A field of a protobuf message: a message, text or bytes of that number. Numbers and fixed-width values are passed over. */
export interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * The length-delimited fields of a protobuf message, in their order (https://protobuf.dev/programming-guides/encoding). Fields of other
 * types are skipped, so that a later version of the message may have any.
 * @throws RangeError when it is cut off, or no message
 */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at];
      if (byte === undefined) throw new RangeError(`a protobuf message of ${message.length} bytes is cut off`);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`at byte ${at} of a protobuf message is a number of more than 64 bits`);
  };
  const skip = (length: number): number => {
    const start = at;
    at += length;
    if (at > message.length) throw new RangeError(`a protobuf message of ${message.length} bytes is cut off`);
    return start;
  };
  while (at < message.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    if (number === 0) throw new RangeError(`at byte ${at} of a protobuf message is a field without number`);
    if (type === 0) varint();
    else if (type === 1) skip(8);
    else if (type === 5) skip(4);
    else if (type === 2) yield { number, bytes: message.subarray(skip(Number(varint())), at) };
    else throw new RangeError(`field ${number} of a protobuf message has the unknown type ${type}`);
  }
}

/** A string field. @throws TypeError when it is no UTF-8 */
export function textOf({ bytes }: Field): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
