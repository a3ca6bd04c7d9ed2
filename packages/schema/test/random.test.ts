import fc from "fast-check";
import { expect, test } from "vitest";

import { random, xoshiro128 } from "../src/index.ts";

test("the generator gives the numbers of its reference implementation", () => {
  // state 1, 2, 3, 4: the first word is rotl(2 * 5, 7) * 9 = 10 * 128 * 9 = 11520; the second has s[1] = 2 ^ 3 ^ 1 = 0
  const next = xoshiro128(Uint32Array.of(1, 2, 3, 4));
  expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200]);
});

test("a seed repeats itself, and a number is the same seed as its text", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [a, b] = [random(seed), random(String(seed))];
      for (let i = 0; i < 20; i++) expect(a()).toBe(b());
    }),
  );
});

test("the numbers fill [0, 1) evenly", () => {
  const next = random(1);
  const bins = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) bins[Math.floor(next() * 10)]!++;
  // chi-square with 9 degrees of freedom: 27.9 is its 99.9th percentile
  const chi = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  expect(chi).toBeLessThan(27.9);
});

test("seeds that look alike start far apart", () => {
  const first = Array.from({ length: 1000 }, (_, seed) => random(seed)());
  const mean = first.reduce((sum, value) => sum + value, 0) / 1000;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.04); // four standard errors of 0.289 / sqrt(1000)
  expect(new Set(first).size).toBe(1000);
});
