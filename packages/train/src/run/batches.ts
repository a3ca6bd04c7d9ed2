import type { PreparedRow } from "../data/prepare.ts";

/**
 * Cuts the rows of one optimiser step into batches of like length: rows are sorted by their longest text, and a batch is
 * closed before its rows times its longest text pass `tokens`. A row alone may be longer. Sorting is stable: the same rows
 * in the same order give the same batches.
 */
export function batchesOf(
  rows: readonly PreparedRow[],
  tokens: number,
): readonly (readonly PreparedRow[])[] {
  const longest = (row: PreparedRow): number => Math.max(...row.texts.map(({ ids }) => ids.length));
  const batches: PreparedRow[][] = [];
  let width = 0;
  for (const row of rows.toSorted((a, b) => longest(b) - longest(a))) {
    const current = batches.at(-1);
    const count = (current?.length ?? 0) + 1;
    if (current && count * row.texts.length * width <= tokens) current.push(row);
    else {
      batches.push([row]);
      width = longest(row);
    }
  }
  return batches;
}
