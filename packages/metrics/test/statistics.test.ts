import { readFileSync } from "node:fs";

import { random } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  betaCdf,
  betaQuantile,
  binomialCdf,
  binomialPmf,
  bootstrap,
  chiSquareUpper,
  discordant,
  lnGamma,
  mcnemar,
  meanFigure,
  normalCdf,
  normalQuantile,
  pairedT,
  permutationTest,
  signTest,
  summary,
  tCdf,
  tQuantile,
  tTwoSided,
  wilson,
} from "../src/index.ts";

const functions = {
  betaCdf,
  betaQuantile,
  binomialCdf,
  binomialPmf,
  chiSquareUpper,
  lnGamma,
  normalCdf,
  normalQuantile,
  tCdf,
  tQuantile,
  tTwoSided,
};

interface Fixture {
  functions: { f: keyof typeof functions; args: number[]; value: number }[];
  wilson: { k: number; n: number; level: number; ci: [number, number] }[];
  mean: {
    values: number[];
    clusters: string[];
    clustered: { low: number; high: number; p: number };
    plain90: { low: number; high: number };
    p: number;
    t: number;
  };
  mcnemar: { onlyA: number; onlyB: number; exact: number; chi: number }[];
  bootstrap: { values: number[]; percentile: [number, number]; bca: [number, number] };
  quantile: { values: number[]; p10: number; median: number; p90: number; deviation: number };
  permutation: { differences: number[]; p: number };
}

// Made by scipy and statsmodels; see "made" in the file.
const fixture = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/statistics.json`, "utf8"),
) as Fixture;

test.each(fixture.functions)("$f of $args is scipy's", ({ f, args, value }) => {
  const compute: (...numbers: number[]) => number = functions[f];
  const found = compute(...args);
  expect(Math.abs(found - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value) + 1e-15);
});

describe("Wilson's interval", () => {
  // Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("of %i in %i is Newcombe's", (k, n, low, high) => {
    const figure = wilson(k, n);
    expect(figure.low).toBeCloseTo(low, 4);
    expect(figure.high).toBeCloseTo(high, 4);
    expect(figure).toMatchObject({ value: k / n, n, method: "wilson" });
  });

  test.each(fixture.wilson)("of $k in $n at $level is statsmodels'", ({ k, n, level, ci }) => {
    const { low, high } = wilson(k, n, level);
    expect(low).toBeCloseTo(ci[0], 12);
    expect(high).toBeCloseTo(ci[1], 12);
  });

  test("lies in [0, 1] and holds the proportion", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (k, more) => {
        fc.pre(k + more > 0);
        const { low, value, high } = wilson(k, k + more);
        expect(low >= 0 && low <= value && value <= high && high <= 1).toBe(true);
      }),
    );
  });

  test("of what is no proportion is refused", () => {
    expect(() => wilson(3, 2)).toThrow("3 successes in 2 trials is no proportion");
    expect(() => wilson(0, 0)).toThrow("is no proportion");
  });
});

// Student, Biometrika 6 (1908), 1-25: additional hours of sleep, hyoscyamine D and L, ten patients
const sleep = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4];

// Fisher, "The Design of Experiments" (1935), chapter III: Darwin's maize, eighths of an inch
const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];

describe("means", () => {
  test("Student's sleep data", () => {
    expect(pairedT(sleep)).toEqual({
      t: expect.closeTo(4.0621, 4),
      df: 9,
      p: expect.closeTo(0.002833, 6),
    });
    const figure = meanFigure(sleep);
    expect(figure.value).toBeCloseTo(1.58, 12);
    expect(figure.low).toBeCloseTo(0.7001, 4);
    expect(figure.high).toBeCloseTo(2.4599, 4);
  });

  test("Darwin's maize gives Fisher's t of 2.148 on 14", () => {
    expect(pairedT(maize)).toEqual({
      t: expect.closeTo(2.148, 3),
      df: 14,
      p: expect.closeTo(0.0497, 4),
    });
  });

  test("statsmodels' cluster-robust interval, and scipy's plain one", () => {
    const { values, clusters, clustered, plain90, p, t } = fixture.mean;
    const figure = meanFigure(values, { clusters });
    // nine places: the t quantile of scipy 1.10 is no more exact
    expect(figure.low).toBeCloseTo(clustered.low, 9);
    expect(figure.high).toBeCloseTo(clustered.high, 9);
    expect(pairedT(values, clusters).p).toBeCloseTo(clustered.p, 10);
    const plain = meanFigure(values, { level: 0.9 });
    expect([plain.low, plain.high]).toEqual([
      expect.closeTo(plain90.low, 9),
      expect.closeTo(plain90.high, 9),
    ]);
    expect(pairedT(values)).toMatchObject({ t: expect.closeTo(t, 10), p: expect.closeTo(p, 10) });
  });

  test("clusters of one are no clusters, and copies add nothing", () => {
    const labels = sleep.map(String).map((label, i) => `${label}/${i}`);
    const own = meanFigure(sleep, { clusters: labels });
    expect(own.high).toBeCloseTo(meanFigure(sleep).high, 12);
    const twice = meanFigure([...sleep, ...sleep], { clusters: [...labels, ...labels] });
    expect(twice.high).toBeCloseTo(own.high, 12);
  });

  test("too little, and what is no number, is refused", () => {
    expect(() => meanFigure([1])).toThrow("needs at least 2 values, and there are 1");
    expect(() => meanFigure([1, 2], { clusters: ["a", "a"] })).toThrow("over clusters");
    expect(() => meanFigure([1, Number.NaN])).toThrow("value 1 is NaN");
    expect(() => meanFigure([1, 2], { clusters: ["a"] })).toThrow("there are 2 and 1");
  });

  test("a summary is numpy's", () => {
    const { values, ...expected } = fixture.quantile;
    expect(summary(values)).toMatchObject({ ...expected, n: 8, min: 1, max: 9 });
  });
});

describe("McNemar's test", () => {
  test("is Fagerland, Lydersen and Laake's example", () => {
    // BMC Medical Research Methodology 13:91 (2013): airway hyper-responsiveness, 1 and 7 discordant pairs
    const pairs = { onlyA: 1, onlyB: 7 };
    expect(mcnemar(pairs, "exact")).toBeCloseTo(0.0703, 4);
    expect(mcnemar(pairs)).toBeCloseTo(0.0391, 4);
    expect(mcnemar(pairs, "chi-square")).toBeCloseTo(0.0771, 4);
  });

  test.each(fixture.mcnemar)("of $onlyA and $onlyB is statsmodels'", (pairs) => {
    expect(mcnemar(pairs, "exact")).toBeCloseTo(pairs.exact, 12);
    expect(mcnemar(pairs, "chi-square")).toBeCloseTo(pairs.chi, 12);
  });

  test("counts where two models differ", () => {
    expect(discordant([true, true, false, false], [true, false, true, false])).toEqual({
      onlyA: 1,
      onlyB: 1,
    });
    expect(mcnemar({ onlyA: 0, onlyB: 0 })).toBe(1);
    expect(() => discordant([true], [])).toThrow("the verdicts of two models");
  });
});

test("the sign test leaves zeros out", () => {
  // nine of nine above 0: 2 / 2^9
  expect(signTest(sleep)).toBeCloseTo(2 / 512, 12);
});

describe("the permutation test", () => {
  test("counts Fisher's 863 of 32768 arrangements of Darwin's maize, on both sides", () => {
    const outcome = permutationTest(maize, { random: random(1), resamples: 40_000 });
    expect(outcome).toEqual({ p: (2 * 863) / 32_768, exact: true, arrangements: 32_768 });
  });

  test("estimates it where there are too many to count", () => {
    const outcome = permutationTest(maize, { random: random(1) });
    expect(outcome.exact).toBe(false);
    expect(Math.abs(outcome.p - 0.0527)).toBeLessThan(0.009); // four standard errors of 10 000 draws
  });

  test("is scipy's", () => {
    const { differences, p } = fixture.permutation;
    expect(permutationTest(differences, { random: random(1) }).p).toBeCloseTo(p, 12);
  });

  test("turns clusters as one", () => {
    // two clusters of sums 6 and -1: of four arrangements all but 6 + -1 and its mirror reach 7; those reach 5
    const differences = [1, 2, 3, -1];
    const clusters = ["a", "a", "a", "b"];
    expect(permutationTest(differences, { random: random(1), clusters })).toMatchObject({
      p: 1,
      arrangements: 4,
    });
  });
});

describe("the bootstrap", () => {
  const { values, percentile, bca } = fixture.bootstrap;
  const average = (rows: readonly number[]): number =>
    rows.reduce((sum, value) => sum + value, 0) / rows.length;

  /** Draws every sample of five values once: the digits of 0 to 3124 to base 5. */
  function everySample(): () => number {
    let draw = 0;
    return () => {
      const digit = Math.floor(Math.floor(draw / 5) / 5 ** (4 - (draw % 5))) % 5;
      draw++;
      return (digit + 0.5) / 5;
    };
  }

  test.each([
    ["percentile", percentile],
    ["bca", bca],
  ] as const)("of all 3125 samples gives the exact %s interval", (method, [low, high]) => {
    const figure = bootstrap(values, average, { random: everySample(), resamples: 3125, method });
    expect(figure).toEqual({
      value: 6.3,
      low: expect.closeTo(low, 12),
      high: expect.closeTo(high, 12),
      n: 5,
      method: `${method} bootstrap`,
    });
  });

  test("repeats itself with its seed", () => {
    const draw = (seed: number) => bootstrap(values, average, { random: random(seed) });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test("covers the mean of an exponential as often as it says, about", () => {
    const next = random(7);
    let covered = 0;
    for (let round = 0; round < 200; round++) {
      const sample = Array.from({ length: 40 }, () => -Math.log(1 - next()));
      const { low, high } = bootstrap(sample, average, { random: next, resamples: 400 });
      if (low <= 1 && 1 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(175); // 190 wanted; BCa falls a little short on skewed samples of 40
  });

  test("draws whole clusters, and needs two", () => {
    const rows = [1, 1, 5, 5];
    const options = {
      random: random(1),
      clusters: ["a", "a", "b", "b"],
      method: "percentile",
    } as const;
    const { low, high } = bootstrap(rows, average, options);
    expect([low, high]).toEqual([1, 5]);
    expect(() => bootstrap(rows, average, { ...options, clusters: ["a", "a", "a", "a"] })).toThrow(
      "needs at least 2 clusters",
    );
  });

  test("a constant has an interval of no width", () => {
    const { low, high } = bootstrap([3, 3, 3], average, { random: random(1) });
    expect([low, high]).toEqual([3, 3]);
  });
});
