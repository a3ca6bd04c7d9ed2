import fc from "fast-check";
import { expect, test } from "vitest";

import { distinct, repetition, typeTokenRatio } from "../src/index.ts";

const words = (text: string): string[] => text.split(" ");

test("distinct-n counts over all texts", () => {
  // pairs: "a b", "b a", "a b" and "a b": 2 different of 4
  expect(distinct([words("a b a b"), words("a b")], 2)).toBe(2 / 4);
  expect(distinct([words("a b a b"), words("a b")], 1)).toBe(2 / 6);
  expect(distinct([[]], 1)).toBe(0);
  expect(typeTokenRatio(words("to be or not to be"))).toBe(4 / 6);
});

test("a loop is found", () => {
  // 5 pairs, 2 of them different
  expect(repetition(words("so it so it so it"), 2)).toEqual({
    ngram: "so it",
    count: 3,
    share: expect.closeTo(3 / 5, 12),
  });
  expect(repetition(["alone"], 2)).toEqual({ ngram: "", count: 0, share: 0 });
});

test("a text repeated has no more different words than once", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }), (tokens) => {
      expect(distinct([tokens, tokens], 1)).toBeCloseTo(distinct([tokens], 1) / 2, 12);
    }),
  );
});
