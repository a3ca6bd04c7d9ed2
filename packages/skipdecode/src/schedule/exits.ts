import { PostgradError } from "@postgrad/schema";

/** First and last exit point of a schedule. */
export interface Exits {
  readonly maxExit: number;
  readonly minExit: number;
}

/**
 * Exit points for a target speed-up by layer count: maxExit = 4N/(3s), minExit = 2N/s - maxExit (a 2:1 split), rounded so
 * that the sum, and with it the mean, stays. A speed-up that would leave no layer above the warm-up ones falls at a
 * gentler slope, down to a constant `warmup + 1`.
 *
 * @throws PostgradError `skipdecode/speedup` for a speed-up below 1 or beyond what the layers allow.
 */
export function exitsForSpeedup(options: {
  readonly layers: number;
  readonly speedup: number;
  readonly warmup?: number;
}): Exits {
  const { layers, speedup, warmup = 1 } = options;
  if (!(speedup >= 1 && Number.isFinite(speedup))) {
    throw new PostgradError(
      "skipdecode/speedup",
      `speed-up ${speedup} is no factor of 1 or more; 2 asks for half of the layers on average`,
    );
  }
  const least = Math.min(warmup + 1, layers);
  const sum = roundHalfUp((2 * layers) / speedup);
  if (sum < 2 * least) {
    throw new PostgradError(
      "skipdecode/speedup",
      `speed-up ${speedup} is beyond what ${layers} layers with ${warmup} of warm-up allow; ` +
        `the most is ${Number((layers / least).toFixed(2))}`,
    );
  }
  const wanted = Math.min(layers, roundHalfUp((4 * layers) / (3 * speedup)));
  const minExit = Math.max(least, sum - wanted);
  return { maxExit: sum - minExit, minExit };
}

function roundHalfUp(value: number): number {
  // 1e-9: 2N/s of an s like 2.4 must not miss a half by a rounding error
  return Math.floor(value + 0.5 + 1e-9);
}
