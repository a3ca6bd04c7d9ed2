import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  argmax,
  checkSampling,
  distribution,
  draw,
  logSumExp,
  penalise,
  type SamplingOptions,
  uniform,
} from "../src/index.ts";
import { threefry2x32 } from "../src/sampling/uniform.ts";

/** Logits whose softmax is 0.5, 0.25, 0.15, 0.1. */
const probabilities = [0.25, 0.5, 0.1, 0.15];
const logits = Float32Array.from(probabilities, (p) => Math.log(p));
const shares = (options: SamplingOptions, from = logits): Record<number, number> => {
  const kept = distribution(from, options);
  return Object.fromEntries(
    [...kept.tokens].map((token, i) => [token, Number(kept.probabilities[i]!.toFixed(6))]),
  );
};

describe("the distribution that is drawn from", () => {
  test("is one token when greedy", () => {
    expect(shares({})).toEqual({ 1: 1 });
    expect(shares({ temperature: 1, topK: 1 })).toEqual({ 1: 1 });
  });
  test("is the softmax at temperature 1, sharper below", () => {
    expect(shares({ temperature: 1 })).toEqual({ 0: 0.25, 1: 0.5, 2: 0.1, 3: 0.15 });
    // squares: 0.0625, 0.25, 0.01, 0.0225 of 0.345
    expect(shares({ temperature: 0.5 })).toEqual({
      0: 0.181159,
      1: 0.724638,
      2: 0.028986,
      3: 0.065217,
    });
  });
  test("keeps the k likeliest", () => {
    expect(shares({ temperature: 1, topK: 2 })).toEqual({ 0: 0.333333, 1: 0.666667 });
    expect(Object.keys(shares({ temperature: 1, topK: 9 }))).toHaveLength(4);
  });
  test("keeps the fewest whose mass reaches top-p", () => {
    expect(shares({ temperature: 1, topP: 0.7 })).toEqual({ 0: 0.333333, 1: 0.666667 });
    expect(shares({ temperature: 1, topP: 0.4 })).toEqual({ 1: 1 });
    expect(Object.keys(shares({ temperature: 1, topP: 0.8 }))).toEqual(["0", "1", "3"]);
  });
  test("keeps what has min-p of the likeliest", () => {
    expect(Object.keys(shares({ temperature: 1, minP: 0.29 }))).toEqual(["0", "1", "3"]);
  });
  test("leaves masked tokens out", () => {
    expect(shares({ temperature: 1 }, Float32Array.of(0, -Infinity, 0))).toEqual({
      0: 0.5,
      2: 0.5,
    });
  });
});

test("filters agree with sorting everything", () => {
  const cases = fc.record({
    values: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 50 }),
    topP: fc.double({ min: 0.01, max: 0.999, noNaN: true }),
    topK: fc.integer({ min: 0, max: 60 }),
    temperature: fc.double({ min: 0.1, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(cases, ({ values, topP, topK, temperature }) => {
      const given = Float32Array.from(values, (value) => value / 8);
      const kept = distribution(given, { temperature, topK, topP });
      const weights = [...given].map((logit) => Math.exp(logit / temperature));
      const order = weights.map((_, i) => i).toSorted((a, b) => weights[b]! - weights[a]! || a - b);
      const first = topK > 0 ? order.slice(0, topK) : order;
      const mass = first.reduce((sum, i) => sum + weights[i]!, 0);
      let sum = 0;
      const expected =
        topK === 1
          ? first
          : first.filter((i) => {
              const isNeeded = sum < topP - 1e-12;
              sum += weights[i]! / mass;
              return isNeeded;
            });
      // one token more or less where the mass reaches top-p within a rounding error
      expect(Math.abs(kept.tokens.length - Math.max(1, expected.length))).toBeLessThanOrEqual(1);
      const common = Math.min(kept.tokens.length, expected.length);
      expect([...kept.tokens]).toEqual(expect.arrayContaining(expected.slice(0, common)));
      expect(kept.probabilities.reduce((total, p) => total + p, 0)).toBeCloseTo(1, 9);
    }),
  );
});

test("draws follow the distribution", () => {
  const from = distribution(logits, { temperature: 1 });
  const counts = [0, 0, 0, 0];
  const draws = 20_000;
  for (let index = 0; index < draws; index++) counts[draw(from, uniform(7, 0, index))]!++;
  const chiSquare = counts.reduce((sum, count, i) => {
    const expected = draws * probabilities[i]!;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  expect(chiSquare).toBeLessThan(16.27); // 3 degrees of freedom, p = 0.001
});

describe("the generator", () => {
  test("gives the known answers of Threefry-2x32-20", () => {
    expect(threefry2x32([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe]);
    expect(threefry2x32([-1, -1], [-1, -1])).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(threefry2x32([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([
      0xc4923a9c, 0x483df7a0,
    ]);
  });
  test("depends on seed, stream and index, and on nothing else", () => {
    const values = new Set([
      uniform(1, 0, 0),
      uniform(2, 0, 0),
      uniform(1, 1, 0),
      uniform(1, 0, 1),
      uniform(2 ** 32 + 1, 0, 0),
    ]);
    expect(values.size).toBe(5);
    expect(uniform(1, 0, 0)).toBe(uniform(1, 0, 0));
    for (const value of values) expect(value >= 0 && value < 1).toBe(true);
  });
});

describe("logits", () => {
  test("the first of equal ones is the likeliest", () => {
    expect(argmax(Float32Array.of(1, 3, 3))).toBe(1);
  });
  test("log of the sum of exponentials, also of large ones", () => {
    expect(logSumExp(logits)).toBeCloseTo(0, 6);
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.LN2, 4);
  });
  test("the repetition penalty counts a token once", () => {
    const given = Float32Array.of(2, -2, 2, 0);
    penalise(given, [0, 1, 0], 2);
    expect([...given]).toEqual([1, -4, 2, 0]);
  });
  test("NaN and nothing left are errors that say so", () => {
    expect(() => argmax(Float32Array.of(1, Number.NaN))).toThrow("NaN as the logit of token 1");
    expect(() => argmax(Float32Array.of(-Infinity))).toThrow("masked all of them");
  });
});

test.each([
  [{ temperature: Number.NaN }, "temperature is NaN; it must be 0 or more"],
  [{ temperature: -1 }, "temperature is -1"],
  [{ topK: 1.5 }, "topK is 1.5"],
  [{ topP: 0 }, "topP is 0; it must be above 0 and at most 1"],
  [{ minP: 2 }, "minP is 2"],
  [{ repetitionPenalty: 0 }, "repetitionPenalty is 0"],
])("%o is refused", (options, message) => {
  expect(() => checkSampling(options)).toThrow(message);
});
