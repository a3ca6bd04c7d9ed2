import { binomialCdf, binomialPmf, chiSquareUpper } from "./distributions.ts";
import { sameLength } from "./samples.ts";

/** The items that only one of two models got right. */
export interface Discordant {
  readonly onlyA: number;
  readonly onlyB: number;
}

/** Counts the items on which two models differ; the verdicts belong together one by one. */
export function discordant(a: readonly boolean[], b: readonly boolean[]): Discordant {
  sameLength(a, b, "the verdicts of two models");
  const onlyA = a.filter((right, i) => right && !b[i]).length;
  return { onlyA, onlyB: b.filter((right, i) => right && !a[i]).length };
}

/**
 * McNemar's test (1947): the two-sided p that two models are right on as many items, from the items on which they differ.
 * `mid-p` is the default, on the advice of Fagerland et al. (2013): exact is too careful, and the asymptotic one with
 * continuity correction more so.
 */
export function mcnemar(
  { onlyA, onlyB }: Discordant,
  method: "exact" | "mid-p" | "chi-square" = "mid-p",
): number {
  const n = onlyA + onlyB;
  if (n === 0) return 1;
  if (method === "chi-square") {
    const excess = Math.max(0, Math.abs(onlyA - onlyB) - 1);
    return chiSquareUpper(excess ** 2 / n, 1);
  }
  const fewer = Math.min(onlyA, onlyB);
  const exact = Math.min(1, 2 * binomialCdf(fewer, n, 0.5));
  return method === "exact" ? exact : midP(exact, fewer, n);
}

/** What was seen counts half, on both sides; where both are one, as many on each side, it is halved once. */
const midP = (exact: number, fewer: number, n: number): number =>
  fewer * 2 === n ? 1 - binomialPmf(fewer, n, 0.5) / 2 : exact - binomialPmf(fewer, n, 0.5);

/** The sign test: the two-sided exact p that differences above and below 0 are equally likely; zeros are left out. */
export function signTest(differences: readonly number[]): number {
  const onlyA = differences.filter((difference) => difference < 0).length;
  const onlyB = differences.filter((difference) => difference > 0).length;
  return mcnemar({ onlyA, onlyB }, "exact");
}
