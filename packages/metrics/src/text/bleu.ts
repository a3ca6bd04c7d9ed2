import { PostgradError } from "@postgrad/schema";

import { type CorpusMetric, corpusMetric } from "./corpus-metric.ts";
import { type Counts, overlap, tokenNgrams, total } from "./n-grams.ts";
import { type Tokenizer, type TokenizerName, tokenizerOf } from "./tokenizers.ts";
import { stripEnd } from "./whitespace.ts";

/** How an n-gram order without a match is smoothed (Chen and Cherry, 2014, methods 1 to 3). */
export type Smoothing = "none" | "floor" | "add-k" | "exp";

/** The options of BLEU; the defaults are sacreBLEU's. */
export interface BleuOptions {
  /** Default `13a`; `zh` for Chinese, `char` where words are not spaced, or a tokenizer of your own. */
  readonly tokenize?: TokenizerName | Tokenizer;
  /** Default `exp`: the k-th order without a match counts 1 / 2^k matches. */
  readonly smoothing?: Smoothing;
  /** The floor (default 0.1) or the k of add-k (default 1). */
  readonly smoothingValue?: number;
  /** Whether case is ignored. Default false. */
  readonly lowercase?: boolean;
  /** The longest n-gram. Default 4. */
  readonly maxOrder?: number;
  /**
   * Whether orders for which the hypothesis is too short are left out. Default: only for a single sentence, as
   * sacreBLEU's `corpus_bleu` and `sentence_bleu` have it.
   */
  readonly effectiveOrder?: boolean;
}

/** BLEU and what it is made of. */
export interface BleuScore {
  /** 0 to 100. */
  readonly score: number;
  /** The precision of each order in per cent, after smoothing. */
  readonly precisions: readonly number[];
  /** 1, or less where the hypotheses are shorter than the references. */
  readonly brevityPenalty: number;
  /** Tokens of the hypotheses. */
  readonly hypothesisLength: number;
  /** Tokens of the references, of each segment the one closest in length. */
  readonly referenceLength: number;
}

/**
 * BLEU (Papineni et al., 2002), equal to sacreBLEU's figures. A segment's row: hypothesis length, reference length, the
 * matches of each order, the n-grams of each order.
 */
export function bleu(options: BleuOptions = {}): CorpusMetric<BleuScore> {
  const { lowercase = false, maxOrder = 4, effectiveOrder } = options;
  const tokenizer = tokenizerOf(options.tokenize ?? "13a");
  const smoothing = smoothingOf(options);
  const tokens = (text: string): string[] =>
    tokenizer.tokenize(stripEnd(lowercase ? text.toLowerCase() : text));
  return corpusMetric({
    name: "BLEU",
    signature: {
      case: lowercase ? "lc" : "mixed",
      eff: effectiveOrder ? "yes" : "no",
      tok: tokenizer.name,
      smooth: smoothing.label,
    },
    statistics: (hypothesis, references) =>
      segmentRow(tokens(hypothesis), references.map(tokens), maxOrder),
    score: (sums) => bleuScore(sums, smoothing, effectiveOrder ?? false),
    sentenceScore: (sums) => bleuScore(sums, smoothing, effectiveOrder ?? true),
  });
}

function segmentRow(
  hypothesis: readonly string[],
  references: readonly (readonly string[])[],
  maxOrder: number,
): number[] {
  const orders = Array.from({ length: maxOrder }, (_, i) => i + 1);
  const counted = orders.map((order) => tokenNgrams(hypothesis, order));
  const matches = counted.map((counts, i) =>
    overlap(counts, union(references.map((reference) => tokenNgrams(reference, i + 1)))),
  );
  const lengths = references.map((reference) => reference.length);
  return [
    hypothesis.length,
    closest(hypothesis.length, lengths),
    ...matches,
    ...counted.map(total),
  ];
}

/** Each n-gram as often as in the reference that has most of it. */
function union([first, ...others]: readonly Counts[]): Counts {
  const most = first!;
  for (const counts of others)
    for (const [ngram, count] of counts) most.set(ngram, Math.max(count, most.get(ngram) ?? 0));
  return most;
}

/** The length closest to `length`, the shorter of two equally close. */
const closest = (length: number, lengths: readonly number[]): number =>
  lengths.reduce((best, other) => {
    const nearer = Math.abs(other - length) - Math.abs(best - length);
    return nearer < 0 || (nearer === 0 && other < best) ? other : best;
  });

interface Smooth {
  readonly method: Smoothing;
  readonly value: number;
  readonly label: string;
}

const defaults: Record<Smoothing, number | undefined> = {
  none: undefined,
  floor: 0.1,
  "add-k": 1,
  exp: undefined,
};

function smoothingOf({ smoothing: method = "exp", smoothingValue }: BleuOptions): Smooth {
  if (!(method in defaults))
    throw new PostgradError(
      "metrics/smoothing",
      `there is no smoothing "${method}"; there are ${Object.keys(defaults).join(", ")}`,
    );
  const fallback = defaults[method];
  if (fallback === undefined) return { method, value: 0, label: method };
  const value = smoothingValue ?? fallback;
  return { method, value, label: `${method}[${value.toFixed(2)}]` };
}

function bleuScore(sums: readonly number[], smooth: Smooth, effectiveOrder: boolean): BleuScore {
  const maxOrder = (sums.length - 2) / 2;
  const [hypothesisLength, referenceLength] = sums as [number, number];
  const matches = sums.slice(2, 2 + maxOrder);
  const brevityPenalty = brevity(hypothesisLength, referenceLength);
  const parts = { brevityPenalty, hypothesisLength, referenceLength };
  if (matches.every((count) => count === 0)) return { score: 0, precisions: matches, ...parts }; // smoothing is for some matches, not for none
  const found = precisionsOf(matches, sums.slice(2 + maxOrder), smooth);
  const orders = effectiveOrder ? found.length : maxOrder;
  const precisions = matches.map((_, i) => found[i] ?? 0);
  // a precision of 0 makes the logarithm -Infinity and the score 0
  const logs = precisions.slice(0, orders).reduce((sum, value) => sum + Math.log(value), 0);
  return { score: brevityPenalty * Math.exp(logs / orders), precisions, ...parts };
}

function brevity(hypothesis: number, reference: number): number {
  if (hypothesis >= reference) return 1;
  return hypothesis === 0 ? 0 : Math.exp(1 - reference / hypothesis);
}

/** The precisions in per cent, up to the first order of which there is no n-gram. */
function precisionsOf(
  matches: readonly number[],
  totals: readonly number[],
  { method, value }: Smooth,
): number[] {
  const precisions: number[] = [];
  let halving = 1;
  for (const [i, count] of matches.entries()) {
    const added = method === "add-k" && i > 0 ? value : 0;
    const all = totals[i]! + added;
    if (all === 0) break;
    let right = count + added;
    if (right === 0 && method === "exp") right = 1 / (halving *= 2);
    if (right === 0 && method === "floor") right = value;
    precisions.push((100 * right) / all);
  }
  return precisions;
}
