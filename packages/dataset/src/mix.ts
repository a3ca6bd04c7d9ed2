import { PostgradError, random } from "@postgrad/schema";

/** One stream of a mixture. */
export interface Source<Row> {
  readonly rows: AsyncIterable<Row>;
  /** How often it is drawn from, relative to the others. */
  readonly weight: number;
}

/**
 * Rows of several streams, each drawn in proportion to its weight under `seed`; within a stream the order stays. Ends when
 * all streams are used up (`until: "all"`, the default; the weights of those left decide) or when one is (`"first"`).
 */
export async function* mix<Row>(
  sources: readonly Source<Row>[],
  { seed = 0, until = "all" }: { seed?: number | string; until?: "all" | "first" } = {},
): AsyncGenerator<Row, void, undefined> {
  const wrong = sources.find(({ weight }) => !(weight > 0 && Number.isFinite(weight)));
  if (wrong)
    throw new PostgradError(
      "dataset/weight",
      `weight: found ${wrong.weight}, expected a number above 0`,
    );
  const draw = random(`mix/${seed}`);
  const open = sources.map(({ rows, weight }) => ({ rows: rows[Symbol.asyncIterator](), weight }));
  try {
    while (open.length > 0) {
      const place = pick(open, draw());
      const { value, done } = await open[place]!.rows.next();
      if (!done) yield value;
      else if (until === "first") return;
      else open.splice(place, 1);
    }
  } finally {
    // Whoever stops early lets the files behind the streams be closed.
    for (const { rows } of open) await rows.return?.();
  }
}

function pick(open: readonly { readonly weight: number }[], drawn: number): number {
  let left = drawn * open.reduce((sum, { weight }) => sum + weight, 0);
  const place = open.findIndex(({ weight }) => (left -= weight) < 0);
  return place === -1 ? open.length - 1 : place;
}
