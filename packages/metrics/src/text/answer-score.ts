import { PostgradError } from "@postgrad/schema";

import { overlap, tokenNgrams } from "./n-grams.ts";

/** How well an answer agrees with the accepted ones. */
export interface AnswerScore {
  /** 1 where the normalized answer equals an accepted one, else 0. */
  readonly exact: number;
  /** The overlap of words with the accepted answer that is closest, 0 to 1. */
  readonly f1: number;
}

/** Exact match and F1 each take the accepted answer that favours them, as the official scripts do. */
export function bestScore(
  accepted: readonly string[],
  score: (gold: string) => AnswerScore,
): AnswerScore {
  if (accepted.length === 0)
    throw new PostgradError(
      "metrics/no-reference",
      'there is no accepted answer; leave the item out and count it, or give [""] for a question without answer',
    );
  const scores = accepted.map(score);
  return {
    exact: Math.max(...scores.map(({ exact }) => exact)),
    f1: Math.max(...scores.map(({ f1 }) => f1)),
  };
}

/** The F1 of two bags of words; 0 where they share none. */
export function wordF1(predicted: readonly string[], gold: readonly string[]): number {
  const same = overlap(tokenNgrams(predicted, 1), tokenNgrams(gold, 1));
  return same === 0 ? 0 : (2 * same) / (predicted.length + gold.length);
}

/** Whole words of `list`, with Unicode's letters and digits as word characters (Python's `\b(...)\b`). */
export const wholeWords = (list: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}_])(?:${list})(?![\\p{L}\\p{N}_])`, "gu");
