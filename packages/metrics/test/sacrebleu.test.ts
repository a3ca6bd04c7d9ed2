import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { bleu, type BleuScore, chrf, ter, type TerScore } from "../src/index.ts";

interface Case {
  readonly metric: "bleu" | "chrf" | "ter";
  readonly options: Record<string, never>;
  readonly name: string;
  readonly corpus: number;
  readonly signature: string;
  readonly sentences: readonly number[];
  readonly precisions?: readonly number[];
  readonly hypothesisLength?: number;
  readonly referenceLength?: number;
  readonly edits?: number;
}
interface Fixture {
  readonly segments: readonly { hypothesis: string; references: readonly string[] }[];
  readonly cases: readonly Case[];
}

// Made by sacreBLEU itself; see "made" in the file.
const { segments, cases } = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/sacrebleu.json`, "utf8"),
) as Fixture;
const hypotheses = segments.map(({ hypothesis }) => hypothesis);
const references = segments.map((segment) => segment.references);
const metrics = { bleu, chrf, ter };

describe.each(cases)("sacreBLEU's $metric with $options", (expected) => {
  const metric = metrics[expected.metric](expected.options);

  test("for the corpus", () => {
    const score: Partial<BleuScore & TerScore> = metric.corpus(hypotheses, references);
    expect(score.score).toBeCloseTo(expected.corpus, 9);
    expect(metric.name).toBe(expected.name);
    expect(metric.signature("var")).toBe(expected.signature);
    for (const [i, value] of (expected.precisions ?? []).entries())
      expect(score.precisions?.[i]).toBeCloseTo(value, 9);
    expect(score.hypothesisLength).toBe(expected.hypothesisLength);
    expect(score.referenceLength).toBe(expected.referenceLength);
    expect(score.edits).toBe(expected.edits);
  });

  test("for each text", () => {
    for (const [i, { hypothesis, references: accepted }] of segments.entries())
      expect(metric.sentence(hypothesis, accepted).score, hypothesis).toBeCloseTo(
        expected.sentences[i]!,
        8,
      );
  });
});
