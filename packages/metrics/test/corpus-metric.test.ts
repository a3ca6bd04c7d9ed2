import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { bleu, chrf, ter } from "../src/index.ts";

const segment = fc.tuple(fc.string({ unit: "grapheme" }), fc.array(fc.string(), { minLength: 1 }));
const all = [bleu(), bleu({ tokenize: "zh" }), chrf(), chrf({ wordOrder: 2 }), ter()];

describe.each(all)("$name", (metric) => {
  test("a corpus scores what the sum of its rows scores", () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const rows = segments.map(([hypothesis, references]) =>
          metric.statistics(hypothesis, references),
        );
        const sums = rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0));
        const corpus = metric.corpus(
          segments.map(([hypothesis]) => hypothesis),
          segments.map(([, references]) => references),
        );
        expect(corpus).toEqual(metric.fromStatistics(sums));
      }),
    );
  });

  test("the reference itself, among others or alone, cannot be bettered", () => {
    const perfect = metric.name === "TER" ? 0 : 100;
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(fc.string()), (text, others) => {
        const words = `${text} a b c d`; // BLEU has no score without words
        expect(metric.sentence(words, [...others, words]).score).toBeCloseTo(perfect, 9);
      }),
    );
  });

  test("refuses what it cannot score, by name", () => {
    expect(() => metric.corpus(["a"], [])).toThrow("1 hypotheses but references for 0");
    expect(() => metric.corpus([], [])).toThrow("there is no hypothesis to score");
    expect(() => metric.sentence("some text", [])).toThrow('"some text" has no reference');
  });
});

test("BLEU worked by hand", () => {
  // tokens 6 of 6; matches: 5 words of 6, pairs the cat, cat sat, sat on of 5, triples 2 of 4, fours 1 of 3
  const { score } = bleu().sentence("the cat sat on the mat", ["the cat sat on a mat"]);
  expect(score).toBeCloseTo(100 * ((5 / 6) * (3 / 5) * (2 / 4) * (1 / 3)) ** (1 / 4), 10);
});

test("a tokenizer that needs a dictionary is refused by name, and a real one can be given", () => {
  expect(() => bleu({ tokenize: "ja-mecab" as never })).toThrow(
    'the tokenizer "ja-mecab" needs a dictionary',
  );
  expect(() => bleu({ tokenize: "13b" as never })).toThrow('there is no tokenizer "13b"');
  const segmenter = new Intl.Segmenter("ja", { granularity: "word" });
  const tokenize = (text: string) => [...segmenter.segment(text)].map(({ segment: word }) => word);
  const metric = bleu({ tokenize: { name: "icu", tokenize } });
  expect(metric.sentence("猫が好きです", ["猫が好きです"]).score).toBeCloseTo(100, 9);
  expect(metric.signature(1)).toContain("tok:icu");
});

test("an unknown smoothing is refused", () => {
  expect(() => bleu({ smoothing: "laplace" as never })).toThrow('there is no smoothing "laplace"');
});

test("a long run of spaces takes no quadratic time", () => {
  expect(bleu().sentence(`${" ".repeat(200_000)}a`, ["a"]).score).toBeGreaterThan(0);
});
