import type { ScheduleShape } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  exitsForSpeedup,
  fullDepth,
  layerSchedule,
  layerSpeedup,
  skipSchedule,
  type SkipScheduleOptions,
  truncated,
  unified,
} from "../src/index.ts";

const worked = { layers: 8, warmup: 1, maxExit: 6, minExit: 2, generated: 8 } as const;
const positions = [0, 1, 2, 3, 4, 5, 6, 7];
const exits = (options: SkipScheduleOptions): number[] => {
  const schedule = skipSchedule(options);
  return Array.from({ length: options.generated }, (_, i) => schedule.layersAt(i).length);
};

describe("the worked example", () => {
  const schedule = skipSchedule(worked);

  test("falls by a straight line, rounded half up", () => {
    // 6 - 4i/7 = 6, 5.43, 4.86, 4.29, 3.71, 3.14, 2.57, 2
    expect(positions.map((i) => schedule.exitAt(i))).toEqual([6, 5, 5, 4, 4, 3, 3, 2]);
  });

  test("keeps the bottom layer and the top of the stack", () => {
    expect(positions.map((i) => schedule.layersAt(i))).toEqual([
      [0, 3, 4, 5, 6, 7],
      [0, 4, 5, 6, 7],
      [0, 4, 5, 6, 7],
      [0, 5, 6, 7],
      [0, 5, 6, 7],
      [0, 6, 7],
      [0, 6, 7],
      [0, 7],
    ]);
  });

  test("runs the prompt through the full network unless told otherwise", () => {
    expect(schedule.prompt).toEqual(positions);
    expect(skipSchedule({ ...worked, prompt: "max-exit" }).prompt).toEqual([0, 3, 4, 5, 6, 7]);
  });

  test("halves the layers on average, and stays at the last exit beyond its length", () => {
    expect(schedule.meanLayers()).toBe(4);
    expect(layerSpeedup(schedule)).toBe(2);
    expect(schedule.layersAt(1000)).toEqual([0, 7]);
  });

  test("rounded down has the means that were worked by hand", () => {
    expect(exits({ ...worked, rounding: "floor" })).toEqual([6, 5, 4, 4, 3, 3, 2, 2]);
    expect(skipSchedule({ ...worked, rounding: "floor" }).meanLayers()).toBe(3.625);
    expect(exits({ ...worked, rounding: "ceil" })).toEqual([6, 6, 5, 5, 4, 4, 3, 2]);
  });

  test("counts the positions of each layer as the parallel training pass does", () => {
    const count = (layer: number): number =>
      positions.filter((i) => schedule.layersAt(i).includes(layer)).length;
    expect(positions.map(count)).toEqual([8, 0, 0, 1, 3, 5, 7, 8]);
  });
});

test("halves are rounded up exactly, where floating point would fall short", () => {
  // 9 layers down to 4 over 11 tokens: 9 - i/2, a half at every other position
  expect(exits({ layers: 9, warmup: 1, maxExit: 9, minExit: 4, generated: 11 })).toEqual([
    9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4,
  ]);
  // 17 - 15 * 5/6 is 4.5; in floating point it comes out below
  expect((1 - 5 / 6) * 17 + (5 / 6) * 2).toBeLessThan(4.5);
  expect(skipSchedule({ layers: 17, maxExit: 17, minExit: 2, generated: 7 }).exitAt(5)).toBe(5);
});

describe("shapes", () => {
  const shaped = (shape: ScheduleShape): number[] =>
    exits({ layers: 8, maxExit: 8, minExit: 2, generated: 7, shape });

  test("constant holds the first exit", () => {
    expect(shaped("constant")).toEqual([8, 8, 8, 8, 8, 8, 8]);
  });
  test("step drops at the middle", () => {
    expect(shaped("step")).toEqual([8, 8, 8, 2, 2, 2, 2]);
  });
  test("cosine is flat at both ends", () => {
    // 2 + 3 (1 + cos(pi i / 6)) = 8, 7.60, 6.5, 5, 3.5, 2.40, 2
    expect(shaped("cosine")).toEqual([8, 8, 7, 5, 4, 2, 2]);
  });
  test("power drops fast at first", () => {
    // 2 + 6 (1 - i/6)^2 = 8, 6.17, 4.67, 3.5, 2.67, 2.17, 2
    expect(shaped("power")).toEqual([8, 6, 5, 4, 3, 2, 2]);
  });
});

describe("modes", () => {
  const at = (mode: SkipScheduleOptions["mode"]) => (i: number) =>
    skipSchedule({ ...worked, ...(mode && { mode }) }).layersAt(i);

  test("terminate keeps the bottom", () => {
    expect(at("terminate")(0)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(at("terminate")(7)).toEqual([0, 1]);
  });
  test("middle keeps both ends", () => {
    expect(at("middle")(0)).toEqual([0, 1, 2, 5, 6, 7]);
    expect(at("middle")(1)).toEqual([0, 1, 2, 6, 7]);
    expect(at("middle")(7)).toEqual([0, 7]);
  });
  test("an order by importance keeps its head and the warm-up layers", () => {
    const order = [7, 2, 6, 0, 5, 1, 3, 4];
    const schedule = skipSchedule({ ...worked, order });
    expect(schedule.layersAt(0)).toEqual([0, 1, 2, 5, 6, 7]);
    expect(schedule.layersAt(7)).toEqual([0, 7]);
  });
});

const anySchedule = fc
  .record({
    layers: fc.integer({ min: 1, max: 40 }),
    warmup: fc.integer({ min: 0, max: 4 }),
    a: fc.integer({ min: 1, max: 40 }),
    b: fc.integer({ min: 1, max: 40 }),
    generated: fc.integer({ min: 1, max: 80 }),
    shape: fc.constantFrom("linear", "constant", "cosine", "step", "power"),
    rounding: fc.constantFrom("half-up", "floor", "ceil"),
    mode: fc.constantFrom("skip", "terminate", "middle"),
    prompt: fc.constantFrom("full", "max-exit"),
  } as const)
  .map(({ a, b, ...rest }) => {
    const warmup = Math.min(rest.warmup, rest.layers);
    const least = Math.min(warmup + 1, rest.layers);
    const [low, high] = [Math.min(a, b), Math.max(a, b)].map((exit) =>
      Math.min(rest.layers, Math.max(least, exit)),
    );
    return { ...rest, warmup, minExit: low!, maxExit: high! };
  });

test("every schedule is nested, within its exits, and holds its warm-up layers", () => {
  fc.assert(
    fc.property(anySchedule, (options) => {
      const schedule = skipSchedule(options);
      let before = schedule.prompt;
      for (let i = 0; i < options.generated + 3; i++) {
        const set = schedule.layersAt(i);
        expect(set.every((layer) => before.includes(layer))).toBe(true);
        expect(set).toEqual([...new Set(set)].toSorted((x, y) => x - y));
        expect(set.length).toBe(schedule.exitAt(i));
        expect(set.length).toBeLessThanOrEqual(options.maxExit);
        expect(set.length).toBeGreaterThanOrEqual(options.minExit);
        for (let layer = 0; layer < options.warmup; layer++) expect(set).toContain(layer);
        before = set;
      }
    }),
  );
});

describe("exits for a target speed-up", () => {
  test.each([
    [24, 2, 16, 8, 12],
    [24, 3, 11, 5, 8],
    [24, 4, 8, 4, 6],
    [24, 5, 6, 4, 5],
    [32, 2, 21, 11, 16],
    [32, 3, 14, 7, 10.5],
    [32, 4, 11, 5, 8],
    [32, 5, 9, 4, 6.5],
    [16, 2, 11, 5, 8],
  ])("%i layers at %ix run %i down to %i, %f on average", (layers, speedup, max, min, mean) => {
    expect(exitsForSpeedup({ layers, speedup })).toEqual({ maxExit: max, minExit: min });
    const schedule = skipSchedule({ layers, maxExit: max, minExit: min, generated: 60 });
    expect(schedule.meanLayers()).toBeCloseTo(mean, 10);
  });

  test("1x is the full network; a steep one falls less", () => {
    expect(exitsForSpeedup({ layers: 24, speedup: 1 })).toEqual({ maxExit: 24, minExit: 24 });
    expect(exitsForSpeedup({ layers: 8, speedup: 4 })).toEqual({ maxExit: 2, minExit: 2 });
  });

  test("beyond the layers is refused with the most there is", () => {
    expect(() => exitsForSpeedup({ layers: 8, speedup: 5 })).toThrow("the most is 4");
    expect(() => exitsForSpeedup({ layers: 8, speedup: 0.5 })).toThrow("speed-up 0.5");
    expect(() => exitsForSpeedup({ layers: 8, speedup: Number.NaN })).toThrow("speed-up NaN");
  });

  test("every speed-up up to the most gives a schedule of that mean", () => {
    const cases = fc.record({
      layers: fc.integer({ min: 4, max: 64 }),
      speedup: fc.double({ min: 1, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ layers, speedup }) => {
        const { maxExit, minExit } = exitsForSpeedup({ layers, speedup });
        expect(Math.abs(maxExit + minExit - (2 * layers) / speedup)).toBeLessThanOrEqual(
          0.5 + 1e-9,
        );
        expect(() => skipSchedule({ layers, maxExit, minExit, generated: 9 })).not.toThrow();
      }),
    );
  });
});

describe("the arithmetic of a speed-up", () => {
  const half = skipSchedule({ layers: 24, maxExit: 16, minExit: 8, generated: 60 });

  test("depends on how much is generated", () => {
    expect(layerSpeedup(half, { generated: 30 })).toBeCloseTo(1.71, 2);
    expect(layerSpeedup(half, { generated: 60 })).toBeCloseTo(2, 10);
    expect(layerSpeedup(half, { generated: 120 })).toBeCloseTo(2.4, 2);
  });

  test("counts a prompt where asked to", () => {
    expect(layerSpeedup(half, { generated: 60, promptTokens: 40 })).toBeCloseTo(1.43, 2);
  });

  test.each([
    // OPT-1.3B: head 50272 x 2048 over 12 x 2048^2 a layer; OPT-6.7B: 50272 x 4096 over 12 x 4096^2
    [24, 2048, [1.85, 2.59, 3.24, 3.8]],
    [32, 4096, [1.94, 2.83, 3.66, 4.45]],
  ])("with the head of %i layers of width %i counted", (layers, width, expected) => {
    const headCost = (50272 * width) / (12 * width ** 2);
    const speedups = [2, 3, 4, 5].map((s) => (layers + headCost) / (layers / s + headCost));
    expect(speedups.map((s) => Number(s.toFixed(2)))).toEqual(expected);
    const even = layerSchedule({ layers, sets: [Array.from({ length: layers / 2 }, (_, i) => i)] });
    expect(layerSpeedup(even, { headCost })).toBeCloseTo(expected[0]!, 2);
  });
});

describe("baselines", () => {
  test("a truncated network runs its bottom layers, prompt included", () => {
    expect(truncated(8, 3).prompt).toEqual([0, 1, 2]);
    expect(truncated(8, 3).layersAt(5)).toEqual([0, 1, 2]);
  });

  test("unified skipping keeps both ends and evenly spaced layers", () => {
    // 24 layers at 3x: keep 8, interval floor(24 / 7) = 3
    expect(unified(24, 3).layersAt(0)).toEqual([0, 3, 6, 9, 12, 15, 18, 23]);
    expect(unified(24, 3).prompt).toHaveLength(24);
    expect(fullDepth(3).layersAt(9)).toEqual([0, 1, 2]);
  });
});

describe("refused when it is made:", () => {
  test.each([
    [
      { minExit: 8 },
      "minExit 8 is above maxExit 6: later tokens would read a hole in the cache; swap them",
    ],
    [{ maxExit: 9 }, "maxExit 9 is above the network's 8 layers; lower maxExit"],
    [
      { minExit: 1 },
      "minExit 1 leaves no layer above the 1 warm-up ones; raise minExit to 2 or lower warmup",
    ],
    [{ warmup: 9 }, "warmup 9 is above the network's 8 layers; lower warmup"],
    [{ order: [0, 1] }, "order [0, 1] misses layer 2; it must name each of the layers 0 to 7 once"],
    [{ order: [0, 1, 2, 3, 4, 5, 6, 7, 7] }, "has 9 entries"],
    [{ order: positions, mode: "middle" as const }, 'mode "middle" and order both say'],
    [{ generated: 0 }, "/generated: found 0"],
    [{ maxExit: 2.5 }, "/maxExit: found 2.5"],
    [{ minExits: 3 }, 'unknown key "minExits"; did you mean "minExit"?'],
  ])("%o", (change, message) => {
    expect(() => skipSchedule({ ...worked, ...change })).toThrow(message);
  });

  test("sets that would read a hole", () => {
    expect(() =>
      layerSchedule({
        layers: 4,
        sets: [
          [0, 3],
          [0, 2, 3],
        ],
      }),
    ).toThrow(
      "layer 2 runs at generated token 1 but not at generated token 0, so its cache would have a hole there",
    );
    expect(() => layerSchedule({ layers: 4, prompt: [0, 1], sets: [[0, 3]] })).toThrow(
      "layer 3 runs at generated token 0 but not at the prompt",
    );
    expect(() => layerSchedule({ layers: 4, sets: [[4]] })).toThrow("layer 4");
    expect(() => layerSchedule({ layers: 4, sets: [] })).toThrow("sets is empty");
  });

  test("an index before the first token", () => {
    expect(() => skipSchedule(worked).layersAt(-1)).toThrow("-1 is no generated index");
  });
});
