import fc from "fast-check";
import { expect, test } from "vitest";

import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../src/safetensors/half.ts";

test("half precision, worked values", () => {
  // 1 = 0x3c00, 65504 = 0x7bff (largest), 2^-14 (smallest normal), 2^-24 (smallest subnormal)
  const values = [1, -2, 65504, 2 ** -14, 2 ** -24, 0, -0, Infinity, 1 / 3];
  const bits = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0, 0x8000, 0x7c00, 0x3555];
  expect([...toFloat16(Float32Array.from(values))]).toEqual(bits);
});

test("every half precision number survives the way through float32", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const back = toFloat16(fromFloat16(all));
  const isNaN = (bits: number): boolean => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
  expect([...back].filter((bits, index) => bits !== index && !isNaN(index))).toEqual([]);
  expect([...all].filter(isNaN).every((bits) => isNaN(back[bits]!))).toBe(true);
});

test("rounding to half precision is that of DataView.setFloat16", () => {
  const view = new DataView(new ArrayBuffer(2));
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      view.setFloat16(0, value);
      expect(toFloat16(Float32Array.of(value))[0]).toBe(view.getUint16(0));
    }),
  );
});

test("bfloat16 is the upper half of float32, rounded to even", () => {
  // 1 + 2^-8 lies between 1 (0x3f80) and 1 + 2^-7 (0x3f81): to even; 1 + 3 * 2^-8 between 0x3f81 and 0x3f82: to even
  const values = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -0.5, Infinity);
  expect([...toBfloat16(values)]).toEqual([0x3f80, 0x3f80, 0x3f82, 0xbf00, 0x7f80]);
  expect(Number.isNaN(fromBfloat16(toBfloat16(Float32Array.of(NaN)))[0])).toBe(true);
  expect([...fromBfloat16(Uint16Array.of(0x3f80, 0xbf00))]).toEqual([1, -0.5]);
});
