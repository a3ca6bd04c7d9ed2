/**
 * The greatest sum of one-to-one pairs of rows and columns of `weights` (rows of one length): the Hungarian method with
 * potentials, cubic time (Kuhn, 1955; Munkres, 1957).
 */
export function bestAssignment(weights: readonly (readonly number[])[]): number {
  const wide = weights.length <= (weights[0]?.length ?? 0);
  const rows = wide ? weights : transpose(weights);
  const columns = rows[0]?.length ?? 0;
  const rowPotential = Array.from({ length: rows.length + 1 }, () => 0);
  const columnPotential = Array.from({ length: columns + 1 }, () => 0);
  const rowOf = Array.from({ length: columns + 1 }, () => 0); // 1-based; 0 is free, column 0 starts the path
  const cost = (row: number, column: number): number =>
    -rows[row - 1]![column - 1]! - rowPotential[row]! - columnPotential[column]!;
  for (let row = 1; row <= rows.length; row++) {
    rowOf[0] = row;
    const slack = Array.from({ length: columns + 1 }, () => Infinity);
    const from = Array.from({ length: columns + 1 }, () => 0);
    const used = new Set<number>();
    let column = 0;
    while (rowOf[column] !== 0) {
      used.add(column);
      let [next, least] = [0, Infinity];
      for (let j = 1; j <= columns; j++) {
        if (used.has(j)) continue;
        const reduced = cost(rowOf[column]!, j);
        if (reduced < slack[j]!) [slack[j], from[j]] = [reduced, column];
        if (slack[j]! < least) [least, next] = [slack[j]!, j];
      }
      for (let j = 0; j <= columns; j++)
        if (used.has(j)) {
          rowPotential[rowOf[j]!]! += least;
          columnPotential[j]! -= least;
        } else slack[j]! -= least;
      column = next;
    }
    while (column !== 0) {
      rowOf[column] = rowOf[from[column]!]!;
      column = from[column]!;
    }
  }
  return rowOf.reduce((sum, row, j) => (j > 0 && row > 0 ? sum + rows[row - 1]![j - 1]! : sum), 0);
}

const transpose = (rows: readonly (readonly number[])[]): number[][] =>
  (rows[0] ?? []).map((_, column) => rows.map((row) => row[column]!));
