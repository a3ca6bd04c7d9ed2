import { PostgradError } from "@postgrad/schema";

import { type Counts, overlap, tokenNgrams, total } from "./n-grams.ts";
import { porterStem } from "./porter-stemmer.ts";
import { words } from "./whitespace.ts";

/** The options of ROUGE. */
export interface RougeOptions {
  /** Whether words of more than three letters are stemmed (Porter). Default false. */
  readonly stemmer?: boolean;
  /**
   * Splits a text into tokens. Default: that of the reference implementation, lower-cased runs of a to z and 0 to 9, to
   * which a text without Latin letters is empty; give one of your own for other scripts.
   */
  readonly tokenize?: (text: string) => string[];
}

/** A score of overlap, each part 0 to 1. */
export interface RougeScore {
  readonly precision: number;
  readonly recall: number;
  /** The harmonic mean of the two; 0 where nothing matches. */
  readonly f: number;
}

/** ROUGE of single words, of pairs, of the longest common subsequence, and of that by lines (`rougeLsum`). */
export interface RougeScores {
  readonly rouge1: RougeScore;
  readonly rouge2: RougeScore;
  readonly rougeL: RougeScore;
  readonly rougeLsum: RougeScore;
}

/**
 * ROUGE-1, -2, -L and -Lsum (Lin, 2004) of a prediction, equal to Google's `rouge_score`; lines are the sentences of
 * ROUGE-Lsum. Of several references each score takes the one with the highest F.
 */
export function rouge(
  prediction: string,
  references: readonly string[],
  options: RougeOptions = {},
): RougeScores {
  if (references.length === 0)
    throw new PostgradError(
      "metrics/no-reference",
      "rouge: there is no reference; leave the item out and count it",
    );
  const all = references.map((reference) => rougeOf(prediction, reference, options));
  const best = (type: keyof RougeScores): RougeScore =>
    all.map((scores) => scores[type]).reduce((most, score) => (score.f > most.f ? score : most));
  return {
    rouge1: best("rouge1"),
    rouge2: best("rouge2"),
    rougeL: best("rougeL"),
    rougeLsum: best("rougeLsum"),
  };
}

function rougeOf(prediction: string, reference: string, options: RougeOptions): RougeScores {
  const split = tokenizerOf(options);
  const [ours, theirs] = [split(prediction), split(reference)];
  const lines = (text: string): string[][] =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map(split);
  return {
    rouge1: ofNgrams(tokenNgrams(ours, 1), tokenNgrams(theirs, 1)),
    rouge2: ofNgrams(tokenNgrams(ours, 2), tokenNgrams(theirs, 2)),
    rougeL: scoreOf(longestCommon(theirs, ours), ours.length, theirs.length),
    rougeLsum: ofLines(lines(prediction), lines(reference)),
  };
}

function tokenizerOf({ stemmer = false, tokenize = latinWords }: RougeOptions) {
  const stem = (word: string): string => (word.length > 3 ? porterStem(word) : word);
  return (text: string): string[] => {
    const tokens = tokenize(text).flatMap(words);
    return stemmer ? tokens.map(stem) : tokens;
  };
}

const latinWords = (text: string): string[] =>
  words(text.toLowerCase().replaceAll(/[^a-z0-9]+/g, " "));

/** The length of the longest common subsequence; one row at a time, for whole texts are long. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const longest = new Int32Array(b.length + 1);
  for (const word of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = longest[j]!;
      longest[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, longest[j - 1]!);
      diagonal = above;
    }
  }
  return longest[b.length]!;
}

const ofNgrams = (ours: Counts, theirs: Counts): RougeScore =>
  scoreOf(overlap(ours, theirs), total(ours), total(theirs));

/** Section 3.2 of the paper; as in ROUGE 1.5.5 no word of either side is counted more often than it occurs. */
function ofLines(
  ours: readonly (readonly string[])[],
  theirs: readonly (readonly string[])[],
): RougeScore {
  const [ourWords, theirWords] = [ours.flat(), theirs.flat()];
  const [leftOurs, leftTheirs] = [tokenNgrams(ourWords, 1), tokenNgrams(theirWords, 1)];
  const take = (word: string): boolean => {
    const [a = 0, b = 0] = [leftOurs.get(word), leftTheirs.get(word)];
    if (a === 0 || b === 0) return false;
    leftOurs.set(word, a - 1);
    leftTheirs.set(word, b - 1);
    return true;
  };
  let hits = 0;
  for (const line of theirs) {
    const union = new Set(ours.flatMap((other) => commonSubsequence(line, other)));
    for (const position of [...union].toSorted((a, b) => a - b)) if (take(line[position]!)) hits++;
  }
  return scoreOf(hits, ourWords.length, theirWords.length);
}

/** The positions in `a` of one longest common subsequence with `b`, the last first. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number[] {
  const width = b.length + 1;
  const longest = new Int32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j]!;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      longest[i * width + j] =
        a[i - 1] === b[j - 1] ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1));
  const positions: number[] = [];
  for (let [i, j] = [a.length, b.length]; i > 0 && j > 0;) {
    if (a[i - 1] === b[j - 1]) {
      positions.push(--i);
      j--;
    } else if (at(i, j - 1) > at(i - 1, j)) j--;
    else i--;
  }
  return positions;
}

function scoreOf(matches: number, ours: number, theirs: number): RougeScore {
  const precision = matches / Math.max(ours, 1);
  const recall = matches / Math.max(theirs, 1);
  return {
    precision,
    recall,
    f: matches > 0 ? (2 * precision * recall) / (precision + recall) : 0,
  };
}
