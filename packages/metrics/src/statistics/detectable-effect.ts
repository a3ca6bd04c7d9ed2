import { normalQuantile, solve } from "./distributions.ts";

/** How sure a comparison shall be. */
export interface PowerOptions {
  /** The chance to find an effect that is there. Default 0.8. */
  readonly power?: number;
  /** The chance to find one that is not, two-sided. Default 0.05. */
  readonly alpha?: number;
}

/**
 * The smallest rise from `base` that two samples of `n` items each can show; undefined where not even a rise to 1 would
 * do. Normal approximation as R's `power.prop.test` (Fleiss, Levin and Paik, 2003, section 4.2, uncorrected).
 */
export function detectableUnpaired(
  { n, base }: { n: number; base: number },
  options: PowerOptions = {},
): number | undefined {
  const [zAlpha, zPower] = quantiles(options);
  const surplus = (rise: number): number => {
    const other = base + rise;
    const middle = (base + other) / 2;
    const underNull = zAlpha * Math.sqrt(2 * middle * (1 - middle));
    const underRise = zPower * Math.sqrt(base * (1 - base) + other * (1 - other));
    return rise * Math.sqrt(n) - underNull - underRise;
  };
  return smallest(surplus, 1 - base);
}

/**
 * The smallest difference of two proportions on the same `n` items that McNemar's test can show, where the two models
 * differ on a share `discordant` of the items; undefined where even one-sided disagreement would not do (Connor, 1987).
 */
export function detectablePaired(
  { n, discordant }: { n: number; discordant: number },
  options: PowerOptions = {},
): number | undefined {
  const [zAlpha, zPower] = quantiles(options);
  const surplus = (difference: number): number =>
    difference * Math.sqrt(n) -
    zAlpha * Math.sqrt(discordant) -
    zPower * Math.sqrt(discordant - difference ** 2);
  return smallest(surplus, discordant);
}

/** The smallest mean of `n` differences of that standard deviation that a test can show (normal approximation). */
export function detectableMean(
  { n, deviation }: { n: number; deviation: number },
  options: PowerOptions = {},
): number {
  const [zAlpha, zPower] = quantiles(options);
  return ((zAlpha + zPower) * deviation) / Math.sqrt(n);
}

const quantiles = ({ power = 0.8, alpha = 0.05 }: PowerOptions): [number, number] => [
  normalQuantile(1 - alpha / 2),
  normalQuantile(power),
];

const smallest = (surplus: (effect: number) => number, most: number): number | undefined =>
  surplus(most) < 0 ? undefined : solve(surplus, 0, 0, most);
