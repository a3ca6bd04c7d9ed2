import { tokenNgrams } from "./n-grams.ts";

/**
 * Distinct-n (Li et al., 2016): different n-grams over all texts for each n-gram there is, 0 to 1; 0 where there is none.
 * It falls as a sample grows, so compare samples of one size.
 */
export function distinct(texts: readonly (readonly string[])[], n: number): number {
  const seen = new Set<string>();
  let all = 0;
  for (const tokens of texts)
    for (const [ngram, count] of tokenNgrams(tokens, n)) {
      seen.add(ngram);
      all += count;
    }
  return all === 0 ? 0 : seen.size / all;
}

/** Different tokens for each token, 0 to 1; 0 of an empty text. It falls with length. */
export const typeTokenRatio = (tokens: readonly string[]): number => distinct([tokens], 1);

/** How a text repeats itself. */
export interface Repetition {
  /** The n-gram that occurs most often, the first of equals; empty where the text is shorter than n. */
  readonly ngram: string;
  /** How often it occurs. */
  readonly count: number;
  /** The share of n-grams that occurred before in the text, 0 to 1. */
  readonly share: number;
}

/** The most repeated n-gram of a text, and how much of the text is repetition. */
export function repetition(tokens: readonly string[], n: number): Repetition {
  const counts = tokenNgrams(tokens, n);
  let [ngram, count] = ["", 0];
  for (const [candidate, times] of counts) if (times > count) [ngram, count] = [candidate, times];
  return { ngram, count, share: counts.size === 0 ? 0 : 1 - distinct([tokens], n) };
}
