/** bfloat16 bits as float32: the upper half of its bits. */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) wide[index] = bits[index]! << 16;
  return new Float32Array(wide.buffer);
}

/** IEEE half precision bits as float32. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) wide[index] = widened(bits[index]!);
  return new Float32Array(wide.buffer);
}

/** float32 as IEEE half precision bits, rounded to nearest, ties to even; what is too large becomes infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const wide = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) bits[index] = narrowed(wide[index]!);
  return bits;
}

/** float32 as bfloat16 bits, rounded to nearest, ties to even. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const wide = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) {
    const value = wide[index]!;
    const isNumber = (value & 0x7fffffff) <= 0x7f800000;
    bits[index] = isNumber ? (value + 0x7fff + ((value >>> 16) & 1)) >>> 16 : (value >>> 16) | 64;
  }
  return bits;
}

function widened(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // a subnormal: move its first bit to the hidden one
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13);
}

function narrowed(wide: number): number {
  const sign = (wide >>> 16) & 0x8000;
  const magnitude = wide & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // not a number
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and more round to infinity
  if (magnitude >= 0x38800000) {
    const odd = (magnitude >>> 13) & 1;
    return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
  }
  if (magnitude < 0x33000000) return sign; // less than half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}
