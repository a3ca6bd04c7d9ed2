/** A step: rows in, rows out, one at a time, in order. */
export type Transform<In, Out = In> = (rows: AsyncIterable<In>) => AsyncIterable<Out>;

/** Runs the steps in reading order. Without steps the rows pass through. */
export function chain<Row>(...steps: readonly Transform<Row>[]): Transform<Row> {
  return (rows) => steps.reduce((passed, step) => step(passed), rows);
}

/** The first `count` rows; the source is closed as soon as they have been read. */
export function take<Row>(count: number): Transform<Row> {
  return async function* (rows) {
    if (count <= 0) return;
    let taken = 0;
    for await (const row of rows) {
      yield row;
      taken += 1;
      if (taken >= count) return;
    }
  };
}

/** All rows in an array: for tests, examples and inputs that are known to be small. */
export async function collect<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const collected: Row[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}
