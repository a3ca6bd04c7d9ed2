import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  collect,
  mix,
  sampleCount,
  sampleShare,
  shuffle,
  sourceGroups,
  splitter,
} from "../src/index.ts";
import { rowsOf } from "./rows-of.ts";

const shares = { train: 0.8, validation: 0.1, test: 0.1 };
const row = (...seeds: string[]) => ({
  schema: "example/1",
  messages: [{ role: "user", content: seeds.join() }],
  meta: { lineage: { seeds } },
});

describe("splits", () => {
  test("never put two rows of one document, or of linked documents, apart", async () => {
    const document = fc.integer({ min: 0, max: 60 }).map(String);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(document, { minLength: 1, maxLength: 3 }), { maxLength: 60 }),
        async (lists) => {
          const rows = lists.map((seeds) => row(...seeds));
          const split = splitter(shares, { groups: await sourceGroups(rowsOf(rows)) });
          const splitOf = new Map<string, string>();
          for (const [i, seeds] of lists.entries()) {
            for (const seed of seeds) {
              const name = split(rows[i]!);
              expect(splitOf.get(seed) ?? name).toBe(name);
              splitOf.set(seed, name);
            }
          }
        },
      ),
    );
  });

  test("do not hang on the order of the rows", async () => {
    const rows = [row("a", "b"), row("c"), row("b", "d"), row("e", "c")];
    const forth = splitter(shares, { groups: await sourceGroups(rowsOf(rows)) });
    const back = splitter(shares, { groups: await sourceGroups(rowsOf(rows.toReversed())) });
    expect(rows.map(forth)).toEqual(rows.map(back));
    expect(forth(rows[0]!)).toBe(forth(rows[2]!));
  });

  test("keep their shares, and are pinned", () => {
    const split = splitter(shares);
    const names = Array.from({ length: 5000 }, (_, i) => split(row(`document-${i}`)));
    // 5000 draws: a standard deviation of 0.0057 for the share of train.
    expect(names.filter((name) => name === "train").length / 5000).toBeCloseTo(0.8, 1);
    expect(names.slice(0, 8)).toMatchInlineSnapshot(`
      [
        "train",
        "train",
        "train",
        "train",
        "train",
        "validation",
        "train",
        "train",
      ]
    `);
    expect(splitter(shares, { seed: 1 })(row("document-3"))).toMatchInlineSnapshot(`"train"`);
  });

  test("a row of its own goes by its content", () => {
    const split = splitter(shares);
    const own = { schema: "example/1", messages: [{ role: "user", content: "hi" }], meta: {} };
    expect(split(own)).toBe(split({ ...own, meta: { skill: "x" } }));
  });

  test.each([[{ train: -1 }], [{ train: 0, test: 0 }], [{}], [{ train: Number.NaN }]])(
    "%j is refused",
    (wrong) => {
      expect(() => splitter(wrong)).toThrow("expected numbers from 0 on");
    },
  );

  test("rows of several documents need the groups", () => {
    expect(() => splitter(shares)(row("a", "b"))).toThrow(
      "comes from 2 documents: make `groups` with sourceGroups() first",
    );
  });

  test("a split of share 0 gets nothing", () => {
    const split = splitter({ train: 1, test: 0 });
    expect(new Set(Array.from({ length: 100 }, (_, i) => split(row(String(i)))))).toEqual(
      new Set(["train"]),
    );
  });
});

const numbers = (length: number) => Array.from({ length }, (_, i) => i);

describe("sampling", () => {
  test("a share is drawn under the seed", async () => {
    const run = (seed: number) => collect(sampleShare<number>(0.25, seed)(rowsOf(numbers(4000))));
    const kept = await run(1);
    expect(Math.abs(kept.length - 1000)).toBeLessThan(4 * Math.sqrt(4000 * 0.25 * 0.75));
    expect(await run(1)).toEqual(kept);
    expect(await run(2)).not.toEqual(kept);
  });

  test("a count is exact, in order, and every row is as likely", async () => {
    const seen = Array.from({ length: 10 }, () => 0);
    for (let seed = 0; seed < 2000; seed++) {
      const kept = await collect(sampleCount<number>(3, seed)(rowsOf(numbers(10))));
      expect(kept).toHaveLength(3);
      expect(kept).toEqual(kept.toSorted((a, b) => a - b));
      for (const i of kept) seen[i]! += 1;
    }
    // 600 expected for each, standard deviation 20.5
    for (const count of seen) expect(Math.abs(count - 600)).toBeLessThan(90);
    expect(await collect(sampleCount<number>(5)(rowsOf([1, 2])))).toEqual([1, 2]);
  });

  test("a shuffle loses nothing and moves no row forward by more than its buffer", async () => {
    const order = await collect(shuffle<number>({ buffer: 10, seed: 3 })(rowsOf(numbers(200))));
    expect(order.toSorted((a, b) => a - b)).toEqual(numbers(200));
    expect(order).not.toEqual(numbers(200));
    for (const [place, i] of order.entries()) expect(i - place).toBeLessThanOrEqual(10);
  });
});

describe("a mixture", () => {
  const streams = () => [
    { rows: rowsOf(Array.from({ length: 300 }, (_, i) => `a${i}`)), weight: 3 },
    { rows: rowsOf(Array.from({ length: 100 }, (_, i) => `b${i}`)), weight: 1 },
  ];

  test("holds all rows, each stream in its order, in proportion", async () => {
    const rows = await collect(mix(streams(), { seed: 5 }));
    expect(rows).toHaveLength(400);
    expect(rows.filter((name) => name.startsWith("b"))).toEqual(
      Array.from({ length: 100 }, (_, i) => `b${i}`),
    );
    const early = rows.slice(0, 100).filter((name) => name.startsWith("a")).length;
    expect(Math.abs(early - 75)).toBeLessThan(4 * Math.sqrt(100 * 0.75 * 0.25));
    expect(await collect(mix(streams(), { seed: 5 }))).toEqual(rows);
  });

  test("can end with the first stream that does, and closes the others", async () => {
    let closed = false;
    async function* endless() {
      try {
        for (let i = 0; ; i++) yield `a${i}`;
      } finally {
        closed = true;
      }
    }
    const rows = await collect(
      mix(
        [
          { rows: endless(), weight: 1 },
          { rows: rowsOf(["b"]), weight: 1 },
        ],
        { until: "first" },
      ),
    );
    expect(rows.filter((name) => name === "b")).toHaveLength(1);
    expect(closed).toBe(true);
  });

  test("a weight of nothing is refused", async () => {
    await expect(collect(mix([{ rows: rowsOf([1]), weight: 0 }]))).rejects.toThrow(
      "weight: found 0",
    );
  });
});
