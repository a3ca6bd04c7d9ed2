import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { type AnswerScore, drop, exactMatch, mlqa, squad, tally } from "../src/index.ts";

// Made by the official scripts; see "made" in each file.
const casesOf = <Case>(name: string): (Case & AnswerScore)[] =>
  (
    JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}.json`, "utf8")) as {
      cases: (Case & AnswerScore)[];
    }
  ).cases;

interface Answer {
  readonly prediction: string;
  readonly accepted: readonly string[];
}

test.each(casesOf<Answer>("squad"))(
  "SQuAD's script on $prediction for $accepted",
  ({ prediction, accepted, exact, f1 }) => {
    const score = squad(prediction, accepted);
    expect(score.exact).toBe(exact);
    expect(score.f1).toBeCloseTo(f1, 12);
  },
);

test.each(casesOf<Answer & { language: "de" }>("mlqa"))(
  "MLQA's script on $prediction for $accepted ($language)",
  ({ prediction, accepted, language, exact, f1 }) => {
    const score = mlqa(prediction, accepted, language);
    expect(score.exact).toBe(exact);
    expect(score.f1).toBeCloseTo(f1, 12);
  },
);

test.each(casesOf<{ prediction: string | string[]; accepted: (string | string[])[] }>("drop"))(
  "DROP's script on $prediction for $accepted",
  ({ prediction, accepted, exact, f1 }) => {
    expect(drop(prediction, accepted)).toEqual({ exact, f1 });
  },
);

describe("an item without gold is refused, not scored", () => {
  test.each([
    ["squad", () => squad("x", [])],
    ["mlqa", () => mlqa("x", [], "en")],
    ["drop", () => drop("x", [" ", []])],
  ])("by %s", (_, score) => {
    expect(score).toThrow("leave the item out and count it");
  });

  test("and so is a language that MLQA has not", () => {
    expect(() => mlqa("x", ["x"], "fr" as never)).toThrow(
      'MLQA has no language "fr"; it has ar, de, en, es, hi, vi, zh',
    );
  });
});

test("exact match overlooks what it is told to", () => {
  expect(exactMatch("caf\u00e9", ["cafe\u0301"])).toBe(true); // one letter, written in two ways
  expect(exactMatch("Paris.", ["paris"])).toBe(false);
  expect(exactMatch("Paris.", ["paris"], { ignoreCase: true, ignorePunctuation: true })).toBe(true);
  expect(exactMatch(" New  York\n", ["New York"])).toBe(false);
  expect(exactMatch(" New  York\n", ["x", "New York"], { ignoreSpacing: true })).toBe(true);
});

test("a tally keeps what could not be scored apart", () => {
  // 3 right of 3 + 1 + 1 counted; an answer was found in 4 of 5
  expect(tally(["right", "wrong", "right", "unanswered", "unscored", "right"])).toEqual({
    right: 3,
    wrong: 1,
    unanswered: 1,
    unscored: 1,
    accuracy: 0.6,
    formatOk: 0.8,
  });
  expect(tally([]).accuracy).toBeNaN();
});
