import { type Figure, PostgradError, type Random } from "@postgrad/schema";

import { normalCdf, normalQuantile } from "./distributions.ts";
import { atLeast, clustersOf, mean, quantile, sameLength, sum } from "./samples.ts";

/** The options of a bootstrap. */
export interface BootstrapOptions {
  /** Source of randomness. */
  readonly random: Random;
  /** Samples drawn. Default 2000. */
  readonly resamples?: number;
  /** Coverage. Default 0.95. */
  readonly level?: number;
  /** `bca` corrects for bias and skewness (Efron, 1987) and is the default; `percentile` takes the quantiles as they are. */
  readonly method?: "bca" | "percentile";
  /** For each row the group that is drawn with it, e.g. its source document. */
  readonly clusters?: readonly string[];
}

/** A statistic of rows with a bootstrap interval: rows (or whole clusters) are drawn with replacement. */
export function bootstrap<Row>(
  rows: readonly Row[],
  statistic: (rows: readonly Row[]) => number,
  options: BootstrapOptions,
): Figure {
  const { level = 0.95, method = "bca", clusters } = options;
  const units = unitsOf(rows, clusters);
  const value = statistic(rows);
  const drawn = resample(units, statistic, options).toSorted((a, b) => a - b);
  atLeast(drawn, 1, "a bootstrap");
  const shift = method === "bca" ? bcaShift(units, statistic, value, drawn) : (p: number) => p;
  return {
    value,
    low: quantile(drawn, shift((1 - level) / 2)),
    high: quantile(drawn, shift((1 + level) / 2)),
    n: rows.length,
    method: clusters ? `${method} bootstrap (${units.length} clusters)` : `${method} bootstrap`,
  };
}

/** A difference between two systems on the same items, and the two-sided p that there is none. */
export interface PairedBootstrap {
  readonly difference: Figure;
  readonly p: number;
}

/**
 * The paired bootstrap (Koehn, 2004): the statistic of `b` less that of `a`, with its interval; items are drawn for both
 * systems at once. p is how often the resampled differences stray from their mean by as much as was seen.
 */
export function pairedBootstrap<Row>(
  a: readonly Row[],
  b: readonly Row[],
  statistic: (rows: readonly Row[]) => number,
  options: BootstrapOptions,
): PairedBootstrap {
  sameLength(a, b, "the rows of two systems");
  const pairs = a.map((row, i) => [row, b[i]!] as const);
  const drawn: number[] = [];
  const difference = (rows: readonly (readonly [Row, Row])[]): number =>
    statistic(rows.map(([, row]) => row)) - statistic(rows.map(([row]) => row));
  const counted = (rows: readonly (readonly [Row, Row])[]): number => {
    const value = difference(rows);
    drawn.push(value);
    return value;
  };
  const resamples = options.resamples ?? 2000;
  const figure = bootstrap(pairs, counted, { ...options, resamples });
  const samples = drawn.slice(1, 1 + resamples); // before them the whole, after them the jackknife
  const centre = mean(samples);
  const seen = Math.abs(figure.value);
  const asFar = samples.filter((value) => Math.abs(value - centre) >= seen).length;
  return { difference: figure, p: (asFar + 1) / (resamples + 1) };
}

function unitsOf<Row>(rows: readonly Row[], clusters: readonly string[] | undefined): Row[][] {
  const units = clustersOf(rows.length, clusters).map((positions) =>
    positions.map((i) => rows[i]!),
  );
  if (units.length < 2)
    throw new PostgradError(
      "metrics/too-few",
      `a bootstrap needs at least 2 ${clusters ? "clusters" : "rows"}, and there are ${units.length}`,
    );
  return units;
}

function resample<Row>(
  units: readonly (readonly Row[])[],
  statistic: (rows: readonly Row[]) => number,
  { random, resamples = 2000 }: BootstrapOptions,
): number[] {
  return Array.from({ length: resamples }, () => {
    const sample = units.flatMap(() => units[Math.floor(random() * units.length)]!);
    return statistic(sample);
  });
}

/** Which quantile of the resampled values stands for the nominal one (Efron, 1987, equation 3.8 on). */
function bcaShift<Row>(
  units: readonly (readonly Row[])[],
  statistic: (rows: readonly Row[]) => number,
  value: number,
  drawn: readonly number[],
): (p: number) => number {
  const below = drawn.filter((other) => other < value).length;
  const ties = drawn.filter((other) => other === value).length;
  const share = (below + ties / 2) / drawn.length;
  if (share === 0 || share === 1) return (p) => p; // a constant, or nothing to correct by
  const bias = normalQuantile(share);
  const acceleration = accelerationOf(
    units.map((_, left) => statistic(units.filter((__, i) => i !== left).flat())),
  );
  return (p) => {
    const z = bias + normalQuantile(p);
    return normalCdf(bias + z / (1 - acceleration * z));
  };
}

/** A sixth of the skewness of the jackknife values. */
function accelerationOf(left: readonly number[]): number {
  const centre = mean(left);
  const squares = sum(left.map((value) => (centre - value) ** 2));
  const cubes = sum(left.map((value) => (centre - value) ** 3));
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}
