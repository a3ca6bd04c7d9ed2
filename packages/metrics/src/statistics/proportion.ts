import { type Figure, PostgradError } from "@postgrad/schema";

import { normalQuantile } from "./distributions.ts";

/**
 * A proportion with Wilson's score interval (1927), which keeps its coverage near 0 and 1 and with few trials. Where items
 * share source documents use `meanFigure` of zeros and ones with clusters.
 */
export function wilson(successes: number, n: number, level = 0.95): Figure {
  if (
    !(Number.isInteger(n) && n > 0 && Number.isInteger(successes)) ||
    successes < 0 ||
    successes > n
  )
    throw new PostgradError(
      "metrics/proportion",
      `${successes} successes in ${n} trials is no proportion; give whole numbers with 0 <= successes <= n and n > 0`,
    );
  const z = normalQuantile((1 + level) / 2);
  const value = successes / n;
  const scale = 1 + z ** 2 / n;
  const centre = (value + z ** 2 / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((value * (1 - value)) / n + z ** 2 / (4 * n ** 2));
  return {
    value,
    low: successes === 0 ? 0 : centre - half, // exactly, where rounding would leave 1e-18
    high: successes === n ? 1 : centre + half,
    n,
    method: "wilson",
  };
}
