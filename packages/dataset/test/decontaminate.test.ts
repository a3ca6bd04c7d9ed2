import type { Drop, EvaluationItem } from "@postgrad/schema";
import { expect, test } from "vitest";

import { collect, type Contamination, contaminationIndex, decontaminate } from "../src/index.ts";
import { rowsOf } from "./rows-of.ts";

const item = (id: string, text: string): EvaluationItem => ({
  schema: "item/1",
  id,
  benchmark: "sums",
  prompt: [{ role: "user", content: text }],
  gold: ["1"],
});
const row = (id: string, text: string) => ({
  schema: "example/1",
  id,
  messages: [
    { role: "user", content: "Please help." },
    { role: "assistant", content: text },
  ],
  meta: {},
});

const question =
  "A train leaves the old station at nine and travels sixty miles every single hour until noon; how far does it go?";

async function run(
  items: EvaluationItem[],
  rows: ReturnType<typeof row>[],
  options: { allowedOverlap?: number; ngram?: number } = {},
) {
  const matches: Contamination[] = [];
  const drops: Drop[] = [];
  const index = await contaminationIndex(rowsOf(items), options);
  const kept = await collect(
    decontaminate<ReturnType<typeof row>>(index, {
      ...options,
      onMatch: (match) => void matches.push(match),
      onDrop: (drop) => void drops.push(drop),
    })(rowsOf(rows)),
  );
  return { index, matches, drops, kept: kept.map(({ id }) => id) };
}

test("a row that quotes an item is dropped, with what matched and why", async () => {
  const { kept, matches, drops } = await run(
    [item("q1", question)],
    [
      row("a", `As they say: ${question.toUpperCase()} Well.`),
      row("b", "Something else entirely."),
    ],
  );
  expect(kept).toEqual(["b"]);
  expect(matches).toEqual([
    {
      row: "a",
      item: "q1",
      benchmark: "sums",
      ngram: "a train leaves the old station at nine and travels sixty miles every",
      overlap: 1,
    },
  ]);
  expect(drops).toMatchObject([
    {
      code: "dataset/contaminated",
      reason:
        'holds 100% of its n-grams of item q1 of sums, such as "a train leaves the old station at nine and travels sixty miles every"',
    },
  ]);
});

test("thirteen words in a row are enough, twelve are not", async () => {
  const words = question.split(" ");
  const { kept, matches } = await run(
    [item("q1", question)],
    [row("twelve", words.slice(2, 14).join(" ")), row("thirteen", words.slice(2, 15).join(" "))],
  );
  expect(kept).toEqual(["twelve"]);
  // 22 words have 22 - 13 + 1 = 10 n-grams; one of them was found.
  expect(matches[0]?.overlap).toBe(1 / 10);
});

test("a share of an item can be allowed; it is still reported", async () => {
  const quote = question.split(" ").slice(0, 14).join(" ");
  const { kept, matches } = await run([item("q1", question)], [row("a", quote)], {
    allowedOverlap: 0.2,
  });
  expect(kept).toEqual(["a"]);
  expect(matches[0]?.overlap).toBe(2 / 10);
});

test("a short item must occur whole, and one too short is counted as unchecked", async () => {
  const { index, kept } = await run(
    [item("short", "Who wrote the old book?"), item("tiny", "2 + 2 = ?")],
    [row("a", "who wrote the old book"), row("b", "who wrote the book"), row("c", "2 + 2 = ?")],
  );
  expect(kept).toEqual(["b", "c"]);
  expect({ size: index.size, unchecked: index.unchecked }).toEqual({ size: 2, unchecked: 1 });
});

test("words are not joined across turns", async () => {
  const [first, second] = [question.slice(0, 50), question.slice(50)];
  const split = {
    schema: "example/1",
    id: "a",
    messages: [
      { role: "user", content: first },
      { role: "assistant", content: second },
    ],
    meta: {},
  };
  expect((await run([item("q1", question)], [split])).kept).toEqual(["a"]);
});

test("Chinese is compared by its letters", async () => {
  const text = "小明有五个苹果他给了小红两个请问他还剩几个";
  expect(
    (await run([item("zh", text)], [row("a", `题目：${text}？`), row("b", "小明有五个苹果")])).kept,
  ).toEqual(["b"]);
});
