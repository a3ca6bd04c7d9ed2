import { type Decoder, storedWeights, type WeightSource } from "../src/index.ts";

/**
 * Weights from the names of tensors: uniform numbers from a hash of the name and the element's place, as
 * fixtures/expected.py makes them.
 */
export function seededTensor(name: string, shape: readonly number[]): Float32Array {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619);
  const values = new Float32Array(shape.reduce((count, length) => count * length, 1));
  const matrix = shape.length === 2;
  const scale = matrix ? (name.includes("embed") ? 1 : 0.35) : 0.2;
  const offset = matrix || name.endsWith("bias") ? 0 : 1;
  for (let index = 0; index < values.length; index++) {
    values[index] = unit(Math.imul(index, 0x9e3779b9) + seed) * scale + offset;
  }
  return values;
}

/** A number from -1 to 1: murmur3's last mixing of 32 bits. */
function unit(bits: number): number {
  let x = bits | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
}

/** All tensors of a decoder, seeded. */
export const seededTensors = (decoder: Decoder): ReadonlyMap<string, Float32Array> =>
  new Map([...decoder.tensors].map(([name, shape]) => [name, seededTensor(name, shape)]));

/** Seeded weights as constants of a graph. */
export function seededWeights(decoder: Decoder): WeightSource {
  const tensors = seededTensors(decoder);
  return storedWeights(decoder, (name) => {
    const { buffer, byteOffset, byteLength } = tensors.get(name)!;
    return { type: "float32", data: new Uint8Array(buffer, byteOffset, byteLength) };
  });
}
