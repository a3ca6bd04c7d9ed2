import { readFileSync } from "node:fs";

import { random, type Random } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  approximateRandomization,
  benjaminiHochberg,
  bleu,
  bonferroni,
  cohenKappa,
  detectableMean,
  detectablePaired,
  detectableUnpaired,
  holm,
  krippendorffAlpha,
  mcnemar,
  mean,
  meanFigure,
  normalQuantile,
  pairedBootstrap,
  permutationTest,
  poolSeeds,
  sumRows,
  winRate,
} from "../src/index.ts";

interface Fixture {
  corrections: Record<"ps" | "bonferroni" | "holm" | "benjaminiHochberg", number[]>;
  kappa: { a: number[]; b: number[]; none: number; linear: number; quadratic: number };
}

// Made by statsmodels; see "made" in the file.
const fixture = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/statistics.json`, "utf8"),
) as Fixture;

describe("corrections", () => {
  const { ps, ...expected } = fixture.corrections;
  test.each(Object.entries({ bonferroni, holm, benjaminiHochberg }))(
    "%s is statsmodels'",
    (name, f) => {
      for (const [i, p] of f(ps).entries())
        expect(p).toBeCloseTo(expected[name as keyof typeof expected][i]!, 12);
    },
  );

  test("Benjamini and Hochberg find four of their fifteen, Bonferroni and Holm three", () => {
    // Journal of the Royal Statistical Society B 57 (1995), 289-300, section 4: endpoints after myocardial infarction
    const published = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719,
      0.6528, 0.759, 1,
    ];
    const found = (adjusted: number[]) => adjusted.filter((p) => p <= 0.05).length;
    expect([bonferroni, holm, benjaminiHochberg].map((f) => found(f(published)))).toEqual([
      3, 3, 4,
    ]);
  });

  test("are never below p, never above 1, and keep the order", () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(p), (some) => {
        for (const [i, value] of some.entries()) {
          const [strict, step, rate] = [bonferroni, holm, benjaminiHochberg].map(
            (f) => f(some)[i]!,
          );
          const rising = [value, rate!, step!, strict!, 1];
          for (const [at, next] of rising.slice(1).entries())
            expect(rising[at]!).toBeLessThanOrEqual(next * (1 + 1e-12) + Number.MIN_VALUE);
        }
      }),
    );
  });
});

describe("agreement", () => {
  test("Krippendorff's example of four judges and twelve units", () => {
    // "Computing Krippendorff's Alpha-Reliability" (2011), section C; a dot is a missing value
    const judges = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];
    const values = judges.map((row) =>
      Array.from(row, (mark) => (mark === "." ? undefined : Number(mark))),
    );
    expect(krippendorffAlpha(values)).toBeCloseTo(0.743, 3);
    expect(krippendorffAlpha(values, "ordinal")).toBeCloseTo(0.815, 3);
    expect(krippendorffAlpha(values, "interval")).toBeCloseTo(0.849, 3);
    expect(krippendorffAlpha(values, "ratio")).toBeCloseTo(0.797, 3);
  });

  test("Cohen's kappa is statsmodels'", () => {
    const { a, b, ...expected } = fixture.kappa;
    for (const weights of ["none", "linear", "quadratic"] as const)
      expect(cohenKappa(a, b, weights)).toBeCloseTo(expected[weights], 12);
    expect(() => cohenKappa(["a"], ["b"], "linear")).toThrow('need numbers as labels, and "a"');
    expect(() => cohenKappa([], [])).toThrow("there is no label");
  });

  test("alpha has nothing to say where no item has two values", () => {
    expect(() =>
      krippendorffAlpha([
        [1, undefined],
        [undefined, 1],
      ]),
    ).toThrow("no item has");
  });
});

describe("the smallest effect that can be shown", () => {
  test("of two samples is that of R's power.prop.test", () => {
    // its manual page: p1 = .50, p2 = .75, power = .90 needs n = 76.7 in each group; n = 50 has power .740
    expect(detectableUnpaired({ n: 76.7, base: 0.5 }, { power: 0.9 })).toBeCloseTo(0.25, 4);
    expect(detectableUnpaired({ n: 50, base: 0.5 }, { power: 0.74 })).toBeCloseTo(0.25, 3);
    expect(detectableUnpaired({ n: 5, base: 0.99 })).toBeUndefined();
  });

  test("of pairs is found by McNemar's test as often as wanted", () => {
    const [n, discordant] = [300, 0.3];
    const effect = detectablePaired({ n, discordant })!;
    // the formula of Connor put in again: (1.960 sqrt(0.3) + 0.842 sqrt(0.3 - d^2))^2 / d^2 = 300
    const needed =
      (normalQuantile(0.975) * Math.sqrt(discordant) +
        normalQuantile(0.8) * Math.sqrt(discordant - effect ** 2)) **
        2 /
      effect ** 2;
    expect(needed).toBeCloseTo(n, 6);
    const next = random(3);
    let found = 0;
    for (let round = 0; round < 1000; round++) {
      const pairs = { onlyA: 0, onlyB: 0 };
      for (let item = 0; item < n; item++) {
        const draw = next();
        if (draw < (discordant + effect) / 2) pairs.onlyB++;
        else if (draw < discordant) pairs.onlyA++;
      }
      if (mcnemar(pairs) < 0.05) found++;
    }
    expect(Math.abs(found / 1000 - 0.8)).toBeLessThan(0.05);
    expect(detectablePaired({ n: 10, discordant: 0.1 })).toBeUndefined();
  });

  test("of a mean", () => {
    // (1.959964 + 0.841621) * 2 / sqrt(100)
    expect(detectableMean({ n: 100, deviation: 2 })).toBeCloseTo(0.560317, 6);
  });
});

/** Normal numbers by Box and Muller. */
const normal = (next: Random): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

describe("pooling seeds", () => {
  test("worked by hand", () => {
    // seed means 2 and 4, item means 2, 3 and 4, all rests 0: MS_seed = 3 * 2 = 6, MS_item = 2 * 1 = 2,
    // variance of the grand mean (6 + 2 - 0) / 6 = 4/3, degrees of freedom 8^2 / (36/1 + 4/2) = 64/38
    const figure = poolSeeds([
      [1, 2, 3],
      [3, 4, 5],
    ]);
    expect(figure).toMatchObject({ value: 3, n: 3, method: "2 seeds, random items" });
    expect(figure.high - 3).toBeCloseTo(Math.sqrt(4 / 3) * 5.17623, 4); // t(0.975, 64/38)
    // over seeds alone: 2 and 4 have standard error 1, t(0.975, 1) = 12.706
    const fixed = poolSeeds(
      [
        [1, 2, 3],
        [3, 4, 5],
      ],
      { items: "fixed" },
    );
    expect(fixed.high - 3).toBeCloseTo(12.706, 3);
  });

  test("covers the truth where pooling everything as independent does not", () => {
    const next = random(11);
    let [pooled, naive] = [0, 0];
    for (let round = 0; round < 300; round++) {
      const items = Array.from({ length: 40 }, () => normal(next));
      const scores = Array.from({ length: 5 }, () => {
        const seed = 0.3 * normal(next);
        return items.map((item) => item + seed + normal(next));
      });
      const covers = ({ low, high }: { low: number; high: number }) => low <= 0 && 0 <= high;
      if (covers(poolSeeds(scores))) pooled++;
      if (covers(meanFigure(scores.flat()))) naive++;
    }
    expect(pooled / 300).toBeGreaterThan(0.91);
    expect(naive / 300).toBeLessThan(0.8);
  });

  test("clusters of one are no clusters, and copied items add nothing", () => {
    const scores = [
      [1, 4, 2, 6],
      [2, 4, 3, 9],
      [2, 5, 1, 7],
    ];
    const clusters = ["a", "b", "c", "d"];
    const own = poolSeeds(scores);
    expect(poolSeeds(scores, { clusters }).high).toBeCloseTo(own.high, 10);
    const copied = poolSeeds(
      scores.map((seed) => [...seed, ...seed]),
      { clusters: [...clusters, ...clusters] },
    );
    expect(copied.high).toBeCloseTo(own.high, 10);
  });

  test("is refused for one seed, and for seeds on different items", () => {
    expect(() => poolSeeds([[1, 2]])).toThrow("at least 2 seeds, and there are 1");
    expect(() => poolSeeds([[1, 2], [1]])).toThrow("the items of two seeds");
  });
});

describe("comparing two systems", () => {
  const next = random(6);
  const a = Array.from({ length: 60 }, () => normal(next));
  const better = a.map((value) => value + 0.5 + 0.5 * normal(next));
  const same = a.map((value) => value + 0.5 * normal(next));

  test("the paired bootstrap tells a difference from none", () => {
    const found = pairedBootstrap(a, better, mean, { random: random(1) });
    expect(found.p).toBeLessThan(0.01);
    expect(found.difference.low).toBeGreaterThan(0);
    const none = pairedBootstrap(a, same, mean, { random: random(1) });
    expect(none.p).toBeGreaterThan(0.05);
    expect(none.difference.low < 0 && none.difference.high > 0).toBe(true);
    expect(pairedBootstrap(a, a, mean, { random: random(1) }).p).toBe(1);
  });

  test("approximate randomization of means is the permutation test of their differences", () => {
    const [few, fewer] = [a.slice(0, 10), same.slice(0, 10)];
    const options = { random: random(1) };
    const differences = few.map((value, i) => fewer[i]! - value);
    expect(approximateRandomization(few, fewer, mean, options)).toEqual(
      permutationTest(differences, options),
    );
  });

  test("of translations by their BLEU", () => {
    const metric = bleu();
    const references = Array.from(
      { length: 30 },
      (_, i) => `the ship number ${i} left the old port`,
    );
    const rows = (hypotheses: string[]) =>
      hypotheses.map((hypothesis, i) => metric.statistics(hypothesis, [references[i]!]));
    const good = rows(references);
    const bad = rows(references.map((text) => text.replace("old", "new")));
    const score = (some: readonly number[][]) => metric.fromStatistics(sumRows(some)).score;
    const options = { random: random(2), resamples: 500 };
    expect(pairedBootstrap(bad, good, score, options).p).toBeLessThan(0.01);
    expect(approximateRandomization(bad, good, score, options).p).toBeLessThan(0.01);
  });
});

describe("the win rate", () => {
  test("counts as AlpacaEval does", () => {
    // wins 1, 0, 0.5, 0.5, 0.75 of five: 55%; variance ((0.45^2 + 0.55^2 + 2 * 0.05^2 + 0.2^2) / 4) = 0.1375
    expect(winRate([2, 1, 1.5, 0, 1.75, null])).toEqual({
      winRate: expect.closeTo(55, 12),
      standardError: expect.closeTo(100 * Math.sqrt(0.1375 / 5), 12),
      discreteWinRate: 60,
      wins: 2,
      losses: 1,
      draws: 2,
      n: 5,
      unscored: 1,
    });
  });

  test("refuses a verdict that is none", () => {
    expect(() => winRate([2, 3])).toThrow("3 is no preference");
  });
});
