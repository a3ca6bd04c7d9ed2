import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { porterStem, rouge, type RougeScores } from "../src/index.ts";

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}.json`, "utf8"));

interface Case {
  readonly prediction: string;
  readonly reference: string;
  readonly stemmer: boolean;
  readonly scores: Record<keyof RougeScores, readonly number[]>;
}

// Made by Google's rouge_score; see "made" in the file.
test.each((fixture("rouge") as { cases: Case[] }).cases)(
  "rouge_score on $prediction, stemmer $stemmer",
  ({ prediction, reference, stemmer, scores }) => {
    const found = rouge(prediction, [reference], { stemmer });
    for (const [type, [precision, recall, f]] of Object.entries(scores)) {
      const score = found[type as keyof RougeScores];
      expect(score.precision, type).toBeCloseTo(precision!, 12);
      expect(score.recall, type).toBeCloseTo(recall!, 12);
      expect(score.f, type).toBeCloseTo(f!, 12);
    }
  },
);

test("every word of the vocabulary has NLTK's stem", () => {
  const { stems } = fixture("porter") as { stems: Record<string, string> };
  const found = Object.fromEntries(Object.keys(stems).map((word) => [word, porterStem(word)]));
  expect(found).toEqual(stems);
});

test("worked by hand, and the better of two references counts", () => {
  // "the cat sat" against "the cat ran home": 2 of 3 words, 2 of 4 back; f = 2 * 2 / (3 + 4)
  const alone = rouge("the cat sat", ["the cat ran home"]);
  expect(alone.rouge1).toEqual({ precision: 2 / 3, recall: 2 / 4, f: expect.closeTo(4 / 7, 12) });
  expect(rouge("the cat sat", ["dogs", "the cat ran home"])).toEqual(alone);
  expect(() => rouge("the cat sat", [])).toThrow("there is no reference");
});

test("other scripts need a tokenizer of their own", () => {
  expect(rouge("北京很大", ["北京很大"]).rouge1.f).toBe(0);
  const tokenize = (text: string) => Array.from(text);
  expect(rouge("北京很大", ["北京大"], { tokenize }).rougeL).toEqual({
    precision: 3 / 4,
    recall: 1,
    f: expect.closeTo(6 / 7, 12),
  });
});
