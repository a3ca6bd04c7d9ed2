import type { Random } from "@postgrad/schema";

import { atLeast, clustersOf, sameLength, sum } from "./samples.ts";

/** The options of a permutation test. */
export interface PermutationOptions {
  /** Source of randomness; used where there are more arrangements than `resamples`. */
  readonly random: Random;
  /** Arrangements drawn, and the most that are enumerated. Default 10 000. */
  readonly resamples?: number;
  /** For each item the group that changes sides together, e.g. its source document. */
  readonly clusters?: readonly string[];
}

/** The outcome of a permutation test. */
export interface PermutationTest {
  /** Two-sided. */
  readonly p: number;
  /** Whether every arrangement was counted, or a random sample of them. */
  readonly exact: boolean;
  readonly arrangements: number;
}

/**
 * The paired permutation test (Fisher, 1935): whether the mean of the differences is as large, either way, when the sides
 * of each pair are exchanged at random. All 2^n arrangements are counted where that is no more than `resamples`.
 */
export function permutationTest(
  differences: readonly number[],
  options: PermutationOptions,
): PermutationTest {
  atLeast(differences, 1, "a permutation test");
  const units = clustersOf(differences.length, options.clusters).map((positions) =>
    sum(positions.map((i) => differences[i]!)),
  );
  const seen = Math.abs(sum(units));
  const slack = 1e-12 * sum(units.map(Math.abs)); // sums in another order are equal but for rounding
  return countAsExtreme(
    units.length,
    (flipped) =>
      Math.abs(sum(units.map((value, i) => (flipped[i] ? -value : value)))) >= seen - slack,
    options,
  );
}

/**
 * The same test for a score of a whole corpus (approximate randomization; Riezler and Maxwell, 2005): `score` is what a
 * list of rows gives, such as `metric.fromStatistics(sumRows(rows)).score`.
 */
export function approximateRandomization<Row>(
  a: readonly Row[],
  b: readonly Row[],
  score: (rows: readonly Row[]) => number,
  options: PermutationOptions,
): PermutationTest {
  sameLength(a, b, "the rows of two systems");
  const seen = Math.abs(score(b) - score(a));
  const units = clustersOf(a.length, options.clusters);
  const unitOf = new Map(
    units.flatMap((positions, unit) => positions.map((i) => [i, unit] as const)),
  );
  const asExtreme = (flipped: readonly boolean[]): boolean => {
    const swap = (own: readonly Row[], other: readonly Row[]): Row[] =>
      own.map((row, i) => (flipped[unitOf.get(i)!] ? other[i]! : row));
    return Math.abs(score(swap(b, a)) - score(swap(a, b))) >= seen - 1e-12 * Math.max(1, seen);
  };
  return countAsExtreme(units.length, asExtreme, options);
}

function countAsExtreme(
  units: number,
  asExtreme: (flipped: readonly boolean[]) => boolean,
  { random, resamples = 10_000 }: PermutationOptions,
): PermutationTest {
  const all = 2 ** units;
  if (all <= resamples) {
    let count = 0;
    for (let code = 0; code < all; code++)
      if (asExtreme(Array.from({ length: units }, (_, i) => ((code >> i) & 1) === 1))) count++;
    return { p: count / all, exact: true, arrangements: all };
  }
  let count = 1; // what was seen is one of the arrangements, so that p is never 0 (Phipson and Smyth, 2010)
  for (let draw = 0; draw < resamples; draw++)
    if (asExtreme(Array.from({ length: units }, () => random() < 0.5))) count++;
  return { p: count / (resamples + 1), exact: false, arrangements: resamples };
}
