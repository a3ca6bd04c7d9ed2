// Documents per second of near and exact dedup and of decontamination, on generated documents of 200 words.
import {
  contaminationIndex,
  contentId,
  decontaminate,
  dedup,
  minHash,
  nearDedup,
} from "@postgrad/dataset";
import { type EvaluationItem, random } from "@postgrad/schema";

import { rate, report } from "./measure.ts";

const count = 5000;
const draw = random("dedup benchmark");
const words = (n: number) =>
  Array.from({ length: n }, () => `word${Math.floor(draw() ** 3 * 20_000)}`).join(" ");
const rows = Array.from({ length: count }, () => ({
  schema: "example/1",
  messages: [{ role: "user", content: words(200) }],
  meta: {},
}));
const items: EvaluationItem[] = Array.from({ length: 2000 }, (_, i) => ({
  schema: "item/1",
  id: String(i),
  benchmark: "b",
  prompt: [{ role: "user", content: words(40) }],
  gold: [],
}));

async function* stream<Row>(from: readonly Row[]): AsyncGenerator<Row> {
  yield* from;
}
async function drain(from: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of from);
}

const sign = minHash({ permutations: 128, ngram: 5, seed: 0 });
const index = await contaminationIndex(stream(items));
report("dedup", [
  await rate("content id", count, "documents", () => rows.forEach((row) => contentId(row))),
  await rate("exact dedup", count, "documents", () => drain(dedup()(stream(rows)))),
  await rate("MinHash signature (128 permutations)", count, "documents", () =>
    rows.forEach((row) => sign([row.messages[0]!.content])),
  ),
  await rate("near dedup (MinHash-LSH)", count, "documents", () =>
    drain(nearDedup()(stream(rows))),
  ),
  await rate("decontamination against 2000 items", count, "documents", () =>
    drain(decontaminate(index)(stream(rows))),
  ),
]);
