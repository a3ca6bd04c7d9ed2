import { type Figure, PostgradError } from "@postgrad/schema";

import { tQuantile } from "./distributions.ts";
import { meanFigure } from "./mean-figure.ts";
import { atLeast, clustersOf, mean, sameLength, sum, variance } from "./samples.ts";

/** The options of pooling. */
export interface PoolOptions {
  /** Coverage. Default 0.95. */
  readonly level?: number;
  /** For each item its group, e.g. its source document: groups are then what is drawn. */
  readonly clusters?: readonly string[];
  /**
   * `random` (default): other seeds and other items, so the figure speaks of the task. `fixed`: other seeds on these very
   * items, a t interval over the seeds' means.
   */
  readonly items?: "random" | "fixed";
}

/**
 * One figure of several seeds: `scores[seed][item]`, every seed on the same items. Seeds and items are crossed random
 * effects: the variance of the grand mean is (MS_seed + MS_item - MS_rest) / (seeds * items), estimated by analysis of
 * variance, with Satterthwaite's degrees of freedom (Cornfield and Tukey, 1956; Brennan, "Generalizability Theory",
 * 2001). Pooling items of all seeds as if independent would make the interval far too short.
 *
 * To compare two arms give the differences, seed against seed: which seed meets which does not matter.
 */
export function poolSeeds(
  scores: readonly (readonly number[])[],
  options: PoolOptions = {},
): Figure {
  const { level = 0.95, clusters, items = "random" } = options;
  check(scores);
  const n = scores[0]!.length;
  const method = `${scores.length} seeds, ${items} items`;
  if (items === "fixed") return { ...meanFigure(scores.map(mean), { level }), n, method };
  const table = unitTable(scores, clusters);
  const value = mean(scores.flat());
  const { error, df } = crossedError(table);
  const half = error === 0 ? 0 : error * tQuantile((1 + level) / 2, df);
  return { value, low: value - half, high: value + half, n, method };
}

function check(scores: readonly (readonly number[])[]): void {
  if (scores.length < 2)
    throw new PostgradError(
      "metrics/too-few",
      `pooling needs at least 2 seeds, and there are ${scores.length}; for one use meanFigure or wilson`,
    );
  for (const seed of scores) {
    sameLength(scores[0]!, seed, "the items of two seeds");
    atLeast(seed, 1, "pooling");
  }
}

/**
 * A value for each seed and cluster, linearized about the grand mean as for a cluster-robust error, so that clusters of
 * several sizes weigh as they should; with single items it is the scores themselves.
 */
function unitTable(
  scores: readonly (readonly number[])[],
  labels: readonly string[] | undefined,
): number[][] {
  const n = scores[0]!.length;
  const clusters = clustersOf(n, labels);
  if (clusters.length < 2)
    throw new PostgradError("metrics/too-few", "pooling needs at least 2 items or clusters");
  const grand = mean(scores.flat());
  return scores.map((seed) =>
    clusters.map(
      (positions) => grand + (clusters.length / n) * sum(positions.map((i) => seed[i]! - grand)),
    ),
  );
}

function crossedError(table: readonly (readonly number[])[]): { error: number; df: number } {
  const [seeds, units] = [table.length, table[0]!.length];
  const seedMeans = table.map(mean);
  const unitMeans = table[0]!.map((_, unit) => mean(table.map((row) => row[unit]!)));
  const grand = mean(seedMeans);
  const seedSquare = units * variance(seedMeans);
  const unitSquare = seeds * variance(unitMeans);
  const rests = table.flatMap((row, s) =>
    row.map((value, u) => (value - seedMeans[s]! - unitMeans[u]! + grand) ** 2),
  );
  const restDf = (seeds - 1) * (units - 1);
  const restSquare = sum(rests) / restDf;
  // both effects are variances, so the estimate may not fall below either mean square
  const combined = Math.max(seedSquare + unitSquare - restSquare, seedSquare, unitSquare);
  const df =
    combined ** 2 /
    (seedSquare ** 2 / (seeds - 1) + unitSquare ** 2 / (units - 1) + restSquare ** 2 / restDf);
  return { error: Math.sqrt(combined / (seeds * units)), df: Math.max(1, df) };
}
