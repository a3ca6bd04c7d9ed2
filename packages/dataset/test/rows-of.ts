/** The rows of an array, one at a time. */
export async function* rowsOf<Row>(rows: Iterable<Row>): AsyncGenerator<Row, void, undefined> {
  yield* rows;
}
