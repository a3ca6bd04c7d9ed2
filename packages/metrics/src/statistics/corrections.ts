// Adjusted p-values for several tests at once: a test is significant where its adjusted p is at most alpha. They come back
// in the order of the input.

/** Bonferroni's: p times the number of tests. */
export const bonferroni = (ps: readonly number[]): number[] =>
  ps.map((p) => Math.min(1, p * ps.length));

/** Holm's step-down (1979): never weaker than Bonferroni's, and as valid. */
export function holm(ps: readonly number[]): number[] {
  const adjusted: number[] = [];
  let largest = 0;
  for (const [rank, i] of rising(ps).entries()) {
    largest = Math.max(largest, Math.min(1, ps[i]! * (ps.length - rank)));
    adjusted[i] = largest;
  }
  return adjusted;
}

/** Benjamini and Hochberg's step-up (1995): bounds the expected share of false findings, for independent tests. */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const adjusted: number[] = [];
  let least = 1;
  for (const [fromLast, i] of rising(ps).toReversed().entries()) {
    least = Math.min(least, (ps[i]! * ps.length) / (ps.length - fromLast));
    adjusted[i] = least;
  }
  return adjusted;
}

/** The positions of `ps` from the smallest p to the largest. */
const rising = (ps: readonly number[]): number[] =>
  ps.map((_, i) => i).toSorted((a, b) => ps[a]! - ps[b]!);
