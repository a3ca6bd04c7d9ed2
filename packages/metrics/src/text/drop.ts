import { PostgradError } from "@postgrad/schema";

import { type AnswerScore, wholeWords } from "./answer-score.ts";
import { bestAssignment } from "./assignment.ts";
import { strip, words } from "./whitespace.ts";

/**
 * Exact match and F1 of DROP's official script: spans are aligned one to one, numbers must agree, F1 is rounded to two
 * places. `prediction` is a span or several; each of `accepted` is one annotator's answer, a span or several, and a
 * blank one is passed over.
 */
export function drop(
  prediction: string | readonly string[],
  accepted: readonly (string | readonly string[])[],
): AnswerScore {
  const usable = accepted.map(spansOf).filter(([first = ""]) => strip(first) !== "");
  if (usable.length === 0)
    throw new PostgradError(
      "metrics/no-reference",
      "drop: every accepted answer is blank; leave the item out and count it",
    );
  const predicted = spansOf(prediction).map(normalize);
  const scores = usable.map((spans) => scoreOf(predicted, spans.map(normalize)));
  return {
    exact: Math.max(...scores.map(({ exact }) => exact)),
    f1: Math.max(...scores.map(({ f1 }) => f1)),
  };
}

const spansOf = (answer: string | readonly string[]): readonly string[] =>
  typeof answer === "string" ? [answer] : answer;

function scoreOf(predicted: readonly string[], gold: readonly string[]): AnswerScore {
  const same = new Set(predicted).symmetricDifference(new Set(gold)).size === 0;
  const bags = predicted.map(bagOf);
  const f1 = bestAssignment(gold.map(bagOf).map((bag) => bags.map((other) => bagF1(other, bag))));
  return {
    exact: same && predicted.length === gold.length ? 1 : 0,
    f1: roundHalfEven((100 * f1) / Math.max(predicted.length, gold.length)) / 100,
  };
}

/** numpy's rounding: 12.5 is 12 and 13.5 is 14. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const bagOf = (normalized: string): Set<string> => new Set(words(normalized));

function bagF1(predicted: Set<string>, gold: Set<string>): number {
  const numbers = [...gold].filter(isNumber);
  if (numbers.length > 0 && !numbers.some((number) => predicted.has(number))) return 0;
  const shared = predicted.intersection(gold).size;
  const precision = predicted.size === 0 ? 1 : shared / predicted.size;
  const recall = gold.size === 0 ? 1 : shared / gold.size;
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/** Each part between spaces and dashes: lower case, without punctuation unless it is a number, numbers as numbers. */
const normalize = (text: string): string =>
  text
    .split(/[ -]/)
    .flatMap((part) => words(withoutArticles(asNumber(withoutPunctuation(part.toLowerCase())))))
    .join(" ");

const articles = wholeWords("a|an|the");
const withoutArticles = (text: string): string => text.replaceAll(articles, " ");
const withoutPunctuation = (text: string): string =>
  isNumber(text) ? text : text.replaceAll(/[!-/:-@[-`{-~]/g, "");
const asNumber = (text: string): string => (isNumber(text) ? floatText(valueOf(text)) : text);

// What Python's float() reads, digits of all scripts included.
const numeral =
  /^[+-]?(?:(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?|inf|infinity|nan)$/i;

const isNumber = (text: string): boolean => numeral.test(withAsciiDigits(strip(text)));

function valueOf(text: string): number {
  const plain = withAsciiDigits(strip(text)).toLowerCase().replaceAll("_", "");
  return Number(plain.replace(/inf(?:inity)?/, "Infinity"));
}

/** A number as Python writes it, "5.0": so the number 5 and a 5 within a longer part stay apart, as in the script. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return "inf";
  if (value >= 1e16) return value.toExponential();
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const withAsciiDigits = (text: string): string =>
  text.replaceAll(/\p{Nd}/gu, (digit) => String(digitValue(digit.codePointAt(0)!)));

/** Unicode's decimal digits stand in runs of ten, zero first. */
function digitValue(codePoint: number): number {
  let start = codePoint;
  while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
  return (codePoint - start) % 10;
}
