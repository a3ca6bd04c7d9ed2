/** How numbers are quantised: `bits` each, `block` neighbours of a row sharing a scale (and, asymmetric, a zero point). */
export interface BlockFormat {
  readonly bits: 4 | 8;
  /** A power of two from 16 to 256. */
  readonly block: number;
  /** Symmetric: zero is the middle of the range, 8 or 128. Asymmetric: the range of each block is fitted. */
  readonly symmetric: boolean;
}

/** Rows in the layout of the runtime's MatMulNBits. */
export interface QuantizedRows {
  /** [rows, blocks, block * bits / 8]: two 4-bit numbers a byte, the earlier one in the lower half. */
  readonly packed: Uint8Array;
  /** [rows, blocks]. */
  readonly scales: Float32Array;
  /** [rows, ceil(blocks * bits / 8)] where asymmetric. */
  readonly zeros?: Uint8Array;
}

/** Blocks of a row of `width` numbers; the last one is filled up. */
export const blocksOf = (width: number, { block }: BlockFormat): number => Math.ceil(width / block);

/** Bytes of a row's zero points. */
export const zeroBytesOf = (width: number, format: BlockFormat): number =>
  Math.ceil((blocksOf(width, format) * format.bits) / 8);

/**
 * Quantises rows of `width` numbers: x becomes round(x / scale) + zero. Symmetric scales are fitted by least squares after a
 * first rounding (x·q / q·q), which costs nothing and is never worse than the greatest number's. A block with a number that
 * is not finite gets a scale that is not.
 */
export function quantizeRows(
  values: Float32Array,
  width: number,
  format: BlockFormat,
): QuantizedRows {
  const rows = values.length / width;
  const blocks = blocksOf(width, format);
  const packed = new Uint8Array(rows * blocks * ((format.block * format.bits) / 8));
  const scales = new Float32Array(rows * blocks);
  const zeroBytes = zeroBytesOf(width, format);
  const zeros = new Uint8Array(format.symmetric ? 0 : rows * zeroBytes);
  const numbers = new Uint8Array(format.block);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const from = row * width + block * format.block;
      const to = Math.min(from + format.block, (row + 1) * width);
      const at = row * blocks + block;
      if (format.symmetric) scales[at] = symmetric(values, from, to, format, numbers);
      else {
        const { scale, zero } = asymmetric(values, from, to, format, numbers);
        scales[at] = scale;
        put(zeros, row * zeroBytes, block, zero, format.bits);
      }
      pack(numbers, packed, at, format);
    }
  }
  return format.symmetric ? { packed, scales } : { packed, scales, zeros };
}

/** Fills `numbers` and returns the scale. The range of 4 bits is -8 to 7: the greatest number, whatever its sign, gets -8. */
function symmetric(
  values: Float32Array,
  from: number,
  to: number,
  { bits }: BlockFormat,
  numbers: Uint8Array,
): number {
  const half = 2 ** (bits - 1);
  let greatest = 0;
  for (let index = from; index < to; index++) {
    if (Math.abs(values[index]!) > Math.abs(greatest)) greatest = values[index]!;
  }
  const inverse = greatest === 0 ? 0 : -half / greatest;
  let product = 0;
  let square = 0;
  numbers.fill(half);
  for (let index = from; index < to; index++) {
    const value = values[index]!;
    const number = Math.min((value * inverse + half + 0.5) | 0, 2 * half - 1); // rounded, for it is not negative
    numbers[index - from] = number;
    product += (number - half) * value;
    square += (number - half) * (number - half);
  }
  return square === 0 ? product : product / square;
}

/** Fills `numbers`; the range always holds 0, so that padding and zeros stay exact. */
function asymmetric(
  values: Float32Array,
  from: number,
  to: number,
  { bits }: BlockFormat,
  numbers: Uint8Array,
): { scale: number; zero: number } {
  const most = 2 ** bits - 1;
  let low = 0;
  let high = 0;
  for (let index = from; index < to; index++) {
    low = Math.min(low, values[index]!);
    high = Math.max(high, values[index]!);
  }
  const scale = (high - low) / most;
  const inverse = scale === 0 ? 0 : 1 / scale;
  const zero = Math.round(-low * inverse);
  numbers.fill(zero);
  for (let index = from; index < to; index++) {
    numbers[index - from] = Math.min(
      Math.max(Math.round(values[index]! * inverse) + zero, 0),
      most,
    );
  }
  return { scale, zero };
}

function pack(
  numbers: Uint8Array,
  packed: Uint8Array,
  at: number,
  { bits, block }: BlockFormat,
): void {
  if (bits === 8) return packed.set(numbers, at * block);
  const start = at * (block / 2);
  for (let pair = 0; pair < block / 2; pair++) {
    packed[start + pair] = numbers[2 * pair]! | (numbers[2 * pair + 1]! << 4);
  }
}

function put(bytes: Uint8Array, start: number, index: number, value: number, bits: 4 | 8): void {
  if (bits === 8) bytes[start + index] = value;
  else bytes[start + (index >> 1)]! |= value << (4 * (index & 1));
}
