import type { Figure } from "@postgrad/schema";

import { tQuantile, tTwoSided } from "./distributions.ts";
import { atLeast, clustersOf, mean, sum } from "./samples.ts";

/** The options of an interval of a mean. */
export interface MeanOptions {
  /** Coverage. Default 0.95. */
  readonly level?: number;
  /** For each value the group that it is not independent of, e.g. its source document. */
  readonly clusters?: readonly string[];
}

/**
 * A mean with Student's t interval; with clusters the standard error is the cluster-robust one (Liang and Zeger, 1986,
 * with the factor G / (G - 1)) on G - 1 degrees of freedom. Needs two values, or two clusters.
 */
export function meanFigure(values: readonly number[], options: MeanOptions = {}): Figure {
  const { level = 0.95, clusters } = options;
  const { value, error, df } = meanWithError(values, clusters);
  const half = error * tQuantile((1 + level) / 2, df);
  const method = clusters ? `clustered t (${df + 1} clusters)` : "t";
  return { value, low: value - half, high: value + half, n: values.length, method };
}

/** A mean, its standard error, and the degrees of freedom that the error has. */
export function meanWithError(
  values: readonly number[],
  clusters?: readonly string[],
): { value: number; error: number; df: number } {
  atLeast(values, 2, "an interval of a mean");
  const value = mean(values);
  const residuals = clustersOf(values.length, clusters).map((positions) =>
    sum(positions.map((i) => values[i]! - value)),
  );
  atLeast(residuals, 2, "an interval over clusters");
  const groups = residuals.length;
  const squares = sum(residuals.map((residual) => residual ** 2));
  const error = Math.sqrt((groups / (groups - 1)) * squares) / values.length;
  return { value, error, df: groups - 1 };
}

/** The outcome of a t test. */
export interface TTest {
  readonly t: number;
  readonly df: number;
  /** Two-sided. */
  readonly p: number;
}

/** The paired t test: whether the mean of the differences is 0; with clusters by the cluster-robust error. */
export function pairedT(differences: readonly number[], clusters?: readonly string[]): TTest {
  const { value, error, df } = meanWithError(differences, clusters);
  if (error === 0)
    return { t: value === 0 ? 0 : Math.sign(value) * Infinity, df, p: value === 0 ? 1 : 0 };
  const t = value / error;
  return { t, df, p: tTwoSided(t, df) };
}
