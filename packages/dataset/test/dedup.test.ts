import type { Drop } from "@postgrad/schema";
import { random } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  bandsFor,
  chanceToMeet,
  collect,
  contentId,
  dedup,
  minHash,
  nearDedup,
  similarity,
} from "../src/index.ts";
import { rowsOf } from "./rows-of.ts";

const example = (text: string, meta = {}) => ({
  schema: "example/1",
  messages: [{ role: "user", content: text }],
  meta,
});

describe("exact dedup", () => {
  test("keeps the first of rows that say the same, and tells of the rest", async () => {
    const drops: Drop[] = [];
    const rows = [example("a"), example("b"), example("a", { skill: "other" })];
    const kept = await collect(dedup({ onDrop: (drop) => void drops.push(drop) })(rowsOf(rows)));
    expect(kept).toEqual(rows.slice(0, 2));
    expect(drops).toMatchObject([
      {
        code: "dataset/duplicate",
        reason: `the same as an earlier row (${contentId(rows[0]!)})`,
        row: rows[2],
      },
    ]);
  });

  test("leaves exactly the distinct keys, whatever their number", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        async (keys, times) => {
          const many = Array.from({ length: times }, () => keys)
            .flat()
            .map((key) => ({ key: key.toString(16).padStart(32, "0") }));
          const kept = await collect(
            dedup<{ key: string }>({ by: ({ key }) => key })(rowsOf(many)),
          );
          expect(kept.map(({ key }) => key)).toEqual([...new Set(many.map(({ key }) => key))]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("grows past its first table", async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => example(String(i % 4000)));
    expect(await collect(dedup()(rowsOf(rows)))).toHaveLength(4000);
  });
});

/** A text of `length` words out of 5000, drawn under `seed`. */
function wordsOf(length: number, seed: number): string[] {
  const draw = random(seed);
  return Array.from({ length }, () => `w${Math.floor(draw() * 5000)}`);
}

/** `words` with each word replaced with chance `rate`. */
function edited(words: readonly string[], rate: number, seed: number): string[] {
  const draw = random(`edit/${seed}`);
  return words.map((word) => (draw() < rate ? `x${Math.floor(draw() * 5000)}` : word));
}

/** The Jaccard similarity of the word 5-grams of two texts, by sets of strings. */
function jaccard(a: readonly string[], b: readonly string[]): number {
  const grams = (words: readonly string[]) =>
    new Set(words.slice(4).map((_, i) => words.slice(i, i + 5).join(" ")));
  const [x, y] = [grams(a), grams(b)];
  const both = x.intersection(y).size;
  return both / (x.size + y.size - both);
}

describe("MinHash", () => {
  test("estimates the Jaccard similarity of word n-grams", () => {
    const sign = minHash({ permutations: 512, ngram: 5, seed: 1 });
    for (const rate of [0, 0.01, 0.03, 0.06, 0.2, 1]) {
      const [a, b] = [wordsOf(400, 1), edited(wordsOf(400, 1), rate, 2)];
      const estimate = similarity(sign([a.join(" ")]), sign([b.join(" ")]));
      // Four standard deviations of a share of 512.
      expect(Math.abs(estimate - jaccard(a, b))).toBeLessThan(4 * Math.sqrt(0.25 / 512));
    }
  });

  test("chances of bands are as worked by hand", () => {
    // 1 - (1 - 0.5^2)^3 = 1 - 0.75^3 = 0.578125
    expect(chanceToMeet(0.5, { bands: 3, rows: 2 })).toBe(0.578125);
    const cut = bandsFor(128, 0.7);
    expect(chanceToMeet(0.8, cut)).toBeGreaterThan(0.99);
    expect(chanceToMeet(0.3, cut)).toBeLessThan(0.1);
  });

  test("compares scripts without spaces by their letters", async () => {
    const base = "人工智能正在改变我们学习语言和解决问题的方式，而且速度越来越快，令人惊讶。";
    const kept = await collect(
      nearDedup({ threshold: 0.6 })(
        rowsOf([
          example(base),
          example(base.replace("惊讶", "吃惊")),
          example("今天天气很好，我们去公园散步，然后一起吃午饭，下午再回家休息吧。"),
        ]),
      ),
    );
    expect(kept).toHaveLength(2);
  });
});

describe("near dedup", () => {
  test("finds planted duplicates and little else", async () => {
    // 300 documents of 120 words; 150 of them get a copy in which one word in fifty differs; both orders of magnitude
    // of a real corpus's mix, with the truth known for each pair.
    const documents = Array.from({ length: 300 }, (_, i) => wordsOf(120, i));
    const copies = documents.slice(0, 150).map((words, i) => edited(words, 0.02, i));
    const rows = [...documents, ...copies].map((words) => example(words.join(" ")));
    const drops: Drop[] = [];
    await collect(nearDedup({ onDrop: (drop) => void drops.push(drop) })(rowsOf(rows)));
    const truly = copies.map((words, i) => jaccard(words, documents[i]!) >= 0.7);
    const idOfRow = rows.map((row) => contentId(row));
    const found = copies.map(
      (_, i) =>
        drops.find(({ row }) => row === rows[300 + i]) as
          | (Drop & { duplicateOf: string })
          | undefined,
    );
    const hits = found.filter((drop, i) => drop && truly[i]).length;
    expect(found.every((drop, i) => !drop || drop.duplicateOf === idOfRow[i])).toBe(true);
    expect(hits / truly.filter(Boolean).length, "recall").toBeGreaterThan(0.9);
    expect(hits / drops.length, "precision").toBeGreaterThan(0.85);
    expect(
      drops.every((drop) => (drop as unknown as { similarity: number }).similarity >= 0.7),
    ).toBe(true);
  });

  test("rows without words pass", async () => {
    expect(
      await collect(nearDedup()(rowsOf([example("!?"), example("..."), example("")]))),
    ).toHaveLength(3);
  });

  test("the same seed drops the same rows, and short texts are compared whole", async () => {
    const rows = [example("Yes, it does."), example("yes it does"), example("No.")];
    const run = () => collect(nearDedup({ seed: 7 })(rowsOf(rows)));
    expect(await run()).toEqual([rows[0], rows[2]]);
    expect(await run()).toEqual(await run());
  });

  test("bands that do not fit are refused", () => {
    expect(() => nearDedup({ permutations: 16, bands: 5, bandRows: 4 })).toThrow(
      "5 bands of 4 numbers do not fit into a signature of 16",
    );
    expect(() => nearDedup({ threshold: 1.5 })).toThrow(
      "near dedup: /threshold: found 1.5, must be <= 1",
    );
  });
});
