import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";

import { GraphBuilder } from "../src/index.ts";
import {
  type BlockFormat,
  blocksOf,
  type QuantizedRows,
  quantizeRows,
  zeroBytesOf,
} from "../src/quantize/quantize-rows.ts";
import { distance, open } from "./decoding.ts";

/** What the numbers stand for, by the definition: (number - zero) * scale. */
function restored(
  { packed, scales, zeros }: QuantizedRows,
  width: number,
  format: BlockFormat,
): Float32Array {
  const { bits, block, symmetric } = format;
  const blocks = blocksOf(width, format);
  const read = (bytes: Uint8Array, start: number, index: number): number =>
    bits === 8 ? bytes[start + index]! : (bytes[start + (index >> 1)]! >> (4 * (index & 1))) & 15;
  return Float32Array.from({ length: (scales.length / blocks) * width }, (_, index) => {
    const [row, column] = [Math.floor(index / width), index % width];
    const at = row * blocks + Math.floor(column / block);
    const number = read(packed, (at * block * bits) / 8, column % block);
    const zero = symmetric
      ? 2 ** (bits - 1)
      : read(zeros!, row * zeroBytesOf(width, format), Math.floor(column / block));
    return (number - zero) * scales[at]!;
  });
}

const formats: readonly BlockFormat[] = [4, 8].flatMap((bits) =>
  [true, false].flatMap((symmetric) =>
    [16, 32].map((block) => ({ bits: bits as 4 | 8, block, symmetric })),
  ),
);

test("4 bits, worked by hand", () => {
  // greatest is -8: first scale 1; 7.6 is cut to 7, the others are whole; the fit: (64 + 7 * 7.6 + 9) / (64 + 49 + 9)
  const values = Float32Array.from({ length: 16 }, (_, index) => [-8, 7.6, 3][index] ?? 0);
  const { packed, scales } = quantizeRows(values, 16, { bits: 4, block: 16, symmetric: true });
  expect([...packed]).toEqual([0xf0, 0x8b, ...Array.from({ length: 6 }, () => 0x88)]);
  expect(scales[0]).toBeCloseTo(126.2 / 122, 6);
});

test("4 bits with a zero point, worked by hand", () => {
  // from -3 to 12: scale 1, zero 3
  const values = Float32Array.from({ length: 16 }, (_, index) => [-3, 12, 5.4][index] ?? 0);
  const { packed, scales, zeros } = quantizeRows(values, 16, {
    bits: 4,
    block: 16,
    symmetric: false,
  });
  expect([scales[0], [...zeros!], packed[0], packed[1]]).toEqual([1, [3], 0xf0, 0x38]);
});

test.each(formats)("%j: no number is further off than its block allows", (format) => {
  const values = fc.float32Array({
    minLength: 1,
    maxLength: 3,
    noNaN: true,
    min: -1000,
    max: 1000,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), values, fc.nat(), (width, seeds, turn) => {
      const numbers = Float32Array.from(
        { length: 2 * width },
        (_, index) => seeds[index % seeds.length]! * Math.sin(index * turn),
      );
      const back = restored(quantizeRows(numbers, width, format), width, format);
      const levels = format.bits === 4 ? 7 : 127;
      for (let row = 0; row < 2; row++) {
        for (let from = row * width; from < (row + 1) * width; from += format.block) {
          const to = Math.min(from + format.block, (row + 1) * width);
          const block = numbers.subarray(from, to);
          const reach = Math.max(...block.map(Math.abs));
          expect(distance(back.subarray(from, to), block)).toBeLessThanOrEqual(
            (reach / levels) * 1.2 + 1e-6,
          );
        }
      }
    }),
  );
});

test.each(formats)("%j: the runtime multiplies by what the numbers stand for", async (format) => {
  const [rows, width] = [24, 70];
  const weights = Float32Array.from(
    { length: rows * width },
    (_, index) => Math.sin(index * 1.7) * Math.cos(index * 0.3),
  );
  const quantized = quantizeRows(weights, width, format);
  const back = restored(quantized, width, format);
  const builder = new GraphBuilder("product");
  const x = builder.input("x", "float32", ["tokens", width]);
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
    new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  const blocks = blocksOf(width, format);
  const inputs = [
    x,
    builder.initializer(
      "packed",
      "uint8",
      [rows, blocks, (format.block * format.bits) / 8],
      quantized.packed,
    ),
    builder.initializer("scales", "float32", [rows, blocks], bytes(quantized.scales)),
    ...(quantized.zeros
      ? [builder.initializer("zeros", "uint8", [rows, zeroBytesOf(width, format)], quantized.zeros)]
      : []),
  ];
  const attributes = {
    K: width,
    N: rows,
    bits: format.bits,
    block_size: format.block,
    accuracy_level: 0,
  };
  builder.output("y", builder.node("MatMulNBits", inputs, attributes, { domain: "com.microsoft" }));
  const session = await open(builder.finish());
  const input = Float32Array.from({ length: 2 * width }, (_, index) => Math.cos(index));
  const { y } = await session.run({ x: new ort.Tensor(input, [2, width]) });
  const wanted = Float32Array.from({ length: 2 * rows }, (_, index) => {
    const [token, row] = [Math.floor(index / rows), index % rows];
    return back
      .subarray(row * width, (row + 1) * width)
      .reduce((sum, weight, column) => sum + weight * input[token * width + column]!, 0);
  });
  expect(distance(y!.data as Float32Array, wanted)).toBeLessThan(1e-3);
});
