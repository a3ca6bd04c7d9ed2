import { PostgradError } from "@postgrad/schema";

import { sameLength, sum } from "./samples.ts";

/**
 * Cohen's kappa (1960): the agreement of two judges above what chance would give, 1 where they always agree, 0 where as
 * often as by chance; NaN where both always say one and the same. With `weights` (1968) numbers that lie close agree in
 * part.
 */
export function cohenKappa<Label extends string | number>(
  a: readonly Label[],
  b: readonly Label[],
  weights: "none" | "linear" | "quadratic" = "none",
): number {
  sameLength(a, b, "the labels of two judges");
  if (a.length === 0) throw new PostgradError("metrics/empty", "kappa: there is no label");
  const distance = distanceOf(weights, [...a, ...b]);
  const seen = sum(a.map((label, i) => distance(label, b[i]!))) / a.length;
  const [ours, theirs] = [countsOf(a), countsOf(b)];
  let chance = 0;
  for (const [label, times] of ours)
    for (const [other, count] of theirs) chance += distance(label, other) * times * count;
  return 1 - seen / (chance / a.length ** 2);
}

function distanceOf(
  weights: "none" | "linear" | "quadratic",
  labels: readonly (string | number)[],
): (a: string | number, b: string | number) => number {
  if (weights === "none") return (a, b) => (a === b ? 0 : 1);
  const word = labels.find((label) => typeof label === "string");
  if (word !== undefined)
    throw new PostgradError(
      "metrics/labels",
      `kappa: ${weights} weights need numbers as labels, and "${word}" is none`,
    );
  return (a, b) => Math.abs(Number(a) - Number(b)) ** (weights === "linear" ? 1 : 2);
}

const countsOf = <Label>(labels: readonly Label[]): Map<Label, number> => {
  const counts = new Map<Label, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
};

/** How far apart two values are: what Krippendorff's alpha is computed with. */
export type Measurement = "nominal" | "ordinal" | "interval" | "ratio";

/**
 * Krippendorff's alpha ("Content Analysis", chapter 11): the agreement of any number of judges, where each may leave items
 * out (undefined). `judges[judge][item]`; 1 is full agreement, 0 chance; NaN where all values are the same.
 */
export function krippendorffAlpha(
  judges: readonly (readonly (number | undefined)[])[],
  measurement: Measurement = "nominal",
): number {
  for (const judge of judges) sameLength(judges[0] ?? [], judge, "the items of two judges");
  const units = (judges[0] ?? [])
    .map((_, item) => judges.map((judge) => judge[item]).filter((value) => value !== undefined))
    .filter((values) => values.length > 1); // a lone value pairs with none
  const all = units.flat();
  if (all.length === 0)
    throw new PostgradError("metrics/empty", "alpha: no item has the values of two judges");
  const apart = differences[measurement](countsOf(all));
  const within = units.map((values) => pairSum(countsOf(values), apart) / (values.length - 1));
  return 1 - ((all.length - 1) * sum(within)) / pairSum(countsOf(all), apart);
}

/** The sum of squared differences over all ordered pairs of values. */
function pairSum(counts: Map<number, number>, apart: (a: number, b: number) => number): number {
  let total = 0;
  for (const [a, times] of counts)
    for (const [b, count] of counts) total += times * count * apart(a, b);
  return total;
}

const differences: Record<
  Measurement,
  (counts: Map<number, number>) => (a: number, b: number) => number
> = {
  nominal: () => (a, b) => (a === b ? 0 : 1),
  interval: () => (a, b) => (a - b) ** 2,
  ratio: () => (a, b) => (a === b ? 0 : ((a - b) / (a + b)) ** 2),
  // how many values lie between the two, half of those at the ends
  ordinal: (counts) => (a, b) => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    let between = 0;
    for (const [value, count] of counts)
      if (value >= low && value <= high)
        between += value === low || value === high ? count / 2 : count;
    return a === b ? 0 : between ** 2;
  },
};
