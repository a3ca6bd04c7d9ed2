/**
 * Writes the protobuf wire format: fields one after another, nested messages as bytes. The parts are kept and joined once,
 * so large tensors are copied a single time.
 */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A varint field; negative numbers take their 64-bit two's complement. */
  integer(field: number, value: number | bigint): this {
    return this.#push(varint(BigInt(field) << 3n)).#push(varint(BigInt(value)));
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(varint((BigInt(field) << 3n) | 5n)).#push(bytes);
  }

  /** A string, bytes or nested message field. */
  bytes(field: number, value: string | Uint8Array | ProtobufWriter): this {
    const parts = partsOf(value);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#push(varint((BigInt(field) << 3n) | 2n)).#push(varint(BigInt(length)));
    for (const part of parts) this.#push(part);
    return this;
  }

  /** Bytes that the message takes so far. */
  get length(): number {
    return this.#length;
  }

  /** The pieces of the message so far; joined they are `finish()`. */
  get parts(): readonly Uint8Array[] {
    return this.#parts;
  }

  /** The message so far. */
  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function partsOf(value: string | Uint8Array | ProtobufWriter): readonly Uint8Array[] {
  if (value instanceof ProtobufWriter) return value.parts;
  return [typeof value === "string" ? new TextEncoder().encode(value) : value];
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
