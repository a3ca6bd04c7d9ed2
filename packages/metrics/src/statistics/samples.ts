import { PostgradError } from "@postgrad/schema";

/** The arithmetic mean; NaN of nothing. */
export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The sum. */
export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** The sample variance (n - 1 below); NaN of fewer than two values. */
export function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.length < 2
    ? Number.NaN
    : sum(values.map((value) => (value - centre) ** 2)) / (values.length - 1);
}

/** The `p`-th quantile by linear interpolation (type 7, the default of R and numpy); `sorted` is in rising order. */
export function quantile(sorted: readonly number[], p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below] ?? Number.NaN;
  return low + (at - below) * ((sorted[below + 1] ?? low) - low);
}

/** A sample in a few numbers. */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  /** Sample standard deviation; NaN of fewer than two values. */
  readonly deviation: number;
  readonly min: number;
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

/** The spread of a sample, e.g. of the lengths of texts. Throws `metrics/empty` where there is nothing. */
export function summary(values: readonly number[]): Summary {
  atLeast(values, 1, "a summary");
  const sorted = values.toSorted((a, b) => a - b);
  return {
    n: values.length,
    mean: mean(values),
    deviation: Math.sqrt(variance(values)),
    min: sorted[0]!,
    p10: quantile(sorted, 0.1),
    median: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    max: sorted.at(-1)!,
  };
}

/** Throws where a sample is smaller than `least`, or a value is not a number. */
export function atLeast(values: readonly number[], least: number, what: string): void {
  if (values.length < least)
    throw new PostgradError(
      "metrics/too-few",
      `${what} needs at least ${least} values, and there are ${values.length}`,
    );
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong !== -1)
    throw new PostgradError(
      "metrics/not-a-number",
      `${what}: value ${wrong} is ${values[wrong]}; leave items without a score out and count them`,
    );
}

/** Throws where two samples that belong together differ in length. */
export function sameLength(a: { length: number }, b: { length: number }, what: string): void {
  if (a.length !== b.length)
    throw new PostgradError(
      "metrics/lengths",
      `${what}: there are ${a.length} and ${b.length}, and they must belong together one by one`,
    );
}

/** The positions that share a label, by label, in order of first occurrence; each its own where `labels` is not given. */
export function clustersOf(length: number, labels: readonly string[] | undefined): number[][] {
  if (!labels) return Array.from({ length }, (_, i) => [i]);
  sameLength({ length }, labels, "values and their clusters");
  const positions = new Map<string, number[]>();
  for (const [i, label] of labels.entries()) {
    const cluster = positions.get(label);
    if (cluster) cluster.push(i);
    else positions.set(label, [i]);
  }
  return [...positions.values()];
}
