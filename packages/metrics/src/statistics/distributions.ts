import { lnGamma, regularizedBeta, upperGamma } from "./special.ts";

/** The probability that a standard normal variable is at most `z`. */
export const normalCdf = (z: number): number =>
  z < 0 ? upperGamma(0.5, z ** 2 / 2) / 2 : 1 - upperGamma(0.5, z ** 2 / 2) / 2;

/** The `p`-th quantile of the standard normal distribution, 0 < p < 1: 0.975 gives 1.96. */
export const normalQuantile = (p: number): number =>
  p > 0.5 ? -normalQuantile(1 - p) : solve((z) => normalCdf(z), p, -40, 0);

/** The probability that Student's t with `df` degrees of freedom is at most `t`. */
export function tCdf(t: number, df: number): number {
  const tail = regularizedBeta(df / (df + t ** 2), df / 2, 0.5) / 2;
  return t < 0 ? tail : 1 - tail;
}

/** The `p`-th quantile of Student's t with `df` degrees of freedom, 0 < p < 1. */
export function tQuantile(p: number, df: number): number {
  if (p > 0.5) return -tQuantile(1 - p, df);
  let low = -1;
  while (tCdf(low, df) > p) low *= 2;
  return solve((t) => tCdf(t, df), p, low, 0);
}

/** The probability that |t| is at least as large: the two-sided p of a t test. */
export const tTwoSided = (t: number, df: number): number =>
  regularizedBeta(df / (df + t ** 2), df / 2, 0.5);

/** The probability that chi-square with `df` degrees of freedom is at least `x`: the p of a chi-square test. */
export const chiSquareUpper = (x: number, df: number): number => upperGamma(df / 2, x / 2);

/** The probability that a beta variable is at most `x`. */
export const betaCdf = (x: number, a: number, b: number): number => regularizedBeta(x, a, b);

/** The `p`-th quantile of the beta distribution. */
export const betaQuantile = (p: number, a: number, b: number): number =>
  solve((x) => regularizedBeta(x, a, b), p, 0, 1);

/** The probability of exactly `k` successes in `n` trials of probability `p`. */
export function binomialPmf(k: number, n: number, p: number): number {
  if (p === 0 || p === 1) return k === n * p ? 1 : 0;
  const ways = lnGamma(n + 1) - lnGamma(k + 1) - lnGamma(n - k + 1);
  return Math.exp(ways + k * Math.log(p) + (n - k) * Math.log1p(-p));
}

/** The probability of at most `k` successes in `n` trials of probability `p`. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  return k >= n ? 1 : regularizedBeta(1 - p, n - k, k + 1);
}

/** Where the increasing function `of` is `wanted`, between `low` and `high`, to the last bit (bisection). */
export function solve(
  of: (x: number) => number,
  wanted: number,
  low: number,
  high: number,
): number {
  let [from, to] = [low, high];
  for (;;) {
    const middle = (from + to) / 2;
    if (middle === from || middle === to) return middle;
    if (of(middle) < wanted) from = middle;
    else to = middle;
  }
}
