/** How a signature is cut for look-up: two texts meet when all `rows` numbers of one of `bands` bands agree. */
export interface Bands {
  readonly bands: number;
  readonly rows: number;
}

/** The chance that two texts of Jaccard similarity `s` meet. */
export function chanceToMeet(s: number, { bands, rows }: Bands): number {
  return 1 - (1 - s ** rows) ** bands;
}

/**
 * The bands that tell texts above `threshold` from those below with the least error: the area of chance to meet below the
 * threshold (needless comparisons) plus the area of chance to miss above it, the second weighted double, since a needless
 * comparison is settled by the signatures and a missed pair by nothing.
 */
export function bandsFor(permutations: number, threshold: number): Bands {
  let best: Bands = { bands: permutations, rows: 1 };
  let least = Infinity;
  for (let rows = 1; rows <= permutations; rows++) {
    const cut = { bands: Math.floor(permutations / rows), rows };
    const error =
      area(0, threshold, (s) => chanceToMeet(s, cut)) +
      10 * area(threshold, 1, (s) => 1 - chanceToMeet(s, cut));
    if (error < least) [best, least] = [cut, error];
  }
  return best;
}

function area(from: number, to: number, height: (x: number) => number): number {
  const steps = 100;
  const width = (to - from) / steps;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += height(from + (i + 0.5) * width);
  return sum * width;
}
