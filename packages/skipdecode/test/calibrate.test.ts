import { afterAll, beforeAll, expect, test } from "vitest";

import {
  calibrate,
  type Calibration,
  chooseSchedule,
  type Engine,
  importanceOrder,
} from "../src/index.ts";
import { engineOn, tinyLlama } from "./checkpoints.ts";

const prompts = [
  [5, 9, 33],
  [1, 2],
  [7, 7, 50, 2, 61],
];
let engine: Engine;
let found: Calibration;

beforeAll(async () => {
  engine = await engineOn(tinyLlama());
  found = await calibrate(engine, { prompts, generated: 12, speedups: [1.5, 2, 9] });
});
afterAll(() => engine.dispose());

test("the full network agrees with itself and is the slowest", () => {
  expect(found.points[0]).toMatchObject({ speedup: 1, agreement: 1, isPareto: true });
  expect(found.points).toHaveLength(5); // 9x is beyond 6 layers
  for (const { speedup, agreement, perplexity } of found.points.slice(1)) {
    expect(speedup).toBeGreaterThan(1);
    expect(agreement).toBeLessThan(1);
    expect(perplexity).toBeGreaterThan(found.points[0]!.perplexity);
  }
});

test("block influence is 1 minus a cosine, and orders the layers behind the last", () => {
  expect(found.influence).toHaveLength(6);
  for (const influence of found.influence) expect(influence > 0 && influence < 2).toBe(true);
  expect(importanceOrder([0.3, 0.1, 0.2, 0.05])).toEqual([3, 0, 2, 1]);
});

test("a layer that adds nothing has no influence", async () => {
  const idle = await engineOn(tinyLlama({}, 1, /layers\.2\..*(o_proj|down_proj)/));
  const influence = await idle.influence(prompts);
  await idle.dispose();
  expect(influence[2]).toBeCloseTo(0, 6);
  expect(importanceOrder(influence).at(-1)).toBe(2);
});

test("the cost of the head is that of its weights in layers", () => {
  // head 64 x 32; a layer: q, o 32 x 32, k, v 16 x 32, gate, up, down 48 x 32
  expect(engine.headCost).toBeCloseTo((64 * 32) / (2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32), 12);
});

test("the fastest schedule of a quality is chosen", () => {
  expect(chooseSchedule(found, { agreement: 1 }).speedup).toBe(1);
  const fastest = Math.max(...found.points.map(({ speedup }) => speedup));
  expect(chooseSchedule(found, {}).speedup).toBe(fastest);
  expect(() => chooseSchedule(found, { agreement: 1.1 })).toThrow("the best has agreement 1");
});
