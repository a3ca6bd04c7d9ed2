import { argmax } from "./logits.ts";
import type { SamplingOptions } from "./options.ts";

/** Tokens that may be drawn, ascending, and their probabilities, which sum to 1. */
export interface Distribution {
  readonly tokens: Int32Array;
  readonly probabilities: Float64Array;
}

/**
 * The distribution that a token is drawn from, processed in the order of Hugging Face: temperature, top-k, top-p, min-p.
 * Penalty and constraint come before it, on the logits (see `penalise`). Greedy is the distribution with one token.
 *
 * @throws PostgradError `skipdecode/no-token` where every logit is -Infinity, `skipdecode/nan` where one is NaN.
 */
export function distribution(logits: Float32Array, options: SamplingOptions = {}): Distribution {
  const { temperature = 0, topK = 0, topP = 1, minP = 0 } = options;
  const best = argmax(logits);
  if (temperature === 0 || topK === 1) {
    return { tokens: Int32Array.of(best), probabilities: Float64Array.of(1) };
  }
  let kept = softmax(logits, logits[best]!, temperature);
  if (topK > 0) kept = likeliest(kept, topK);
  if (topP < 1) kept = nucleus(kept, topP);
  if (minP > 0) kept = above(kept, minP);
  return kept;
}

/** The token at `position` in [0, 1) of the distribution laid end to end. */
export function draw({ tokens, probabilities }: Distribution, position: number): number {
  let left = position;
  for (const [i, probability] of probabilities.entries()) {
    left -= probability;
    if (left < 0) return tokens[i]!;
  }
  return tokens.at(-1)!; // the sum fell short of 1 by a rounding error
}

/** The probability of `token`. */
export function probabilityOf({ tokens, probabilities }: Distribution, token: number): number {
  const place = placeOf(tokens, token);
  return tokens[place] === token ? probabilities[place]! : 0;
}

/**
 * What a draft from `drafted` that was not accepted is replaced by: max(0, wanted - drafted), made to sum to 1. Together
 * with accepting a draft with probability min(1, wanted / drafted) this draws from `wanted` (arXiv 2302.01318).
 */
export function residual(wanted: Distribution, drafted: Distribution): Distribution {
  const left = wanted.probabilities.map((probability, i) =>
    Math.max(0, probability - probabilityOf(drafted, wanted.tokens[i]!)),
  );
  // Equal up to rounding: nothing is left, and any draw from `wanted` is right.
  return left.some((weight) => weight > 0) ? normalised(wanted.tokens, left) : wanted;
}

/** Where `token` is or would be among the ascending `tokens`. */
function placeOf(tokens: Int32Array, token: number): number {
  let [low, high] = [0, tokens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokens[middle]! < token) low = middle + 1;
    else high = middle;
  }
  return low;
}

function softmax(logits: Float32Array, largest: number, temperature: number): Distribution {
  const tokens = new Int32Array(logits.length);
  const weights = new Float64Array(logits.length);
  let count = 0;
  for (let i = 0; i < logits.length; i++) {
    const weight = Math.exp((logits[i]! - largest) / temperature);
    if (weight === 0) continue;
    tokens[count] = i;
    weights[count++] = weight;
  }
  return normalised(tokens.subarray(0, count), weights.subarray(0, count));
}

function normalised(tokens: Int32Array, weights: Float64Array): Distribution {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return { tokens, probabilities: weights.map((weight) => weight / sum) };
}

function likeliest(all: Distribution, count: number): Distribution {
  if (count >= all.tokens.length) return all;
  return keep(all, ranked(all).slice(0, count));
}

function nucleus(all: Distribution, mass: number): Distribution {
  // Tokens below (1 - mass) / count hold less than 1 - mass together: none of them is needed, and sorting is spared.
  const floor = (1 - mass) / all.tokens.length;
  const candidates = ranked(all, floor);
  let sum = 0;
  let count = 0;
  while (count < candidates.length && sum < mass) sum += all.probabilities[candidates[count++]!]!;
  return keep(all, candidates.slice(0, Math.max(1, count)));
}

function above(all: Distribution, share: number): Distribution {
  const floor = share * all.probabilities.reduce((most, p) => Math.max(most, p), 0);
  return keep(all, ranked(all, floor));
}

/** Places in the distribution by falling probability (rising token among equals), those below `floor` left out. */
function ranked({ probabilities }: Distribution, floor = 0): Int32Array {
  const places = new Int32Array(probabilities.length);
  let count = 0;
  for (let i = 0; i < probabilities.length; i++)
    if (probabilities[i]! >= floor) places[count++] = i;
  return places
    .subarray(0, count)
    .toSorted((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

function keep({ tokens, probabilities }: Distribution, places: Int32Array): Distribution {
  const kept = places.toSorted();
  return normalised(
    kept.map((place) => tokens[place]!),
    Float64Array.from(kept, (place) => probabilities[place]!),
  );
}
