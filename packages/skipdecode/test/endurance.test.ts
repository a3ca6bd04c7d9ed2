import { existsSync, readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import { collect, type Engine } from "../src/index.ts";
import { engineOn, tinyLlama } from "./checkpoints.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const residentBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().rss;
};
const isLinux = existsSync("/proc/self/task");
const threads = (): number => readdirSync("/proc/self/task").length;

/** 8 rows of 120 tokens, by schedule. */
const generate = async (engine: Engine): Promise<number> => {
  const rows = Array.from({ length: 8 }, (_, seed) => ({
    prompt: [1 + seed],
    maxNewTokens: 120,
    temperature: 1,
    seed,
  }));
  const { rows: given } = await collect(engine.generate({ rows, speedup: 2 }));
  return given.reduce((sum, { tokens }) => sum + tokens.length, 0);
};

test("memory does not grow over 10,000 tokens", { timeout: 60_000 }, async () => {
  await using engine = await engineOn(tinyLlama());
  for (let warm = 0; warm < 3; warm++) await generate(engine);
  const before = residentBytes();
  let tokens = 0;
  while (tokens < 10_000) tokens += await generate(engine);
  expect(residentBytes() - before).toBeLessThan(16e6);
});

test(
  "an engine that is disposed of gives back memory and threads",
  { timeout: 60_000 },
  async () => {
    // 4 MB of weights each time
    const checkpoint = tinyLlama({ vocab_size: 4096, hidden_size: 128, intermediate_size: 256 });
    const round = async (): Promise<void> => {
      await using engine = await engineOn(checkpoint, { threads: 2 });
      await collect(engine.generate({ rows: [{ prompt: [1], maxNewTokens: 4 }], speedup: 2 }));
    };
    for (let warm = 0; warm < 3; warm++) await round();
    const before = { bytes: residentBytes(), threads: isLinux ? threads() : 0 };
    for (let i = 0; i < 8; i++) await round();
    expect(residentBytes() - before.bytes).toBeLessThan(40e6);
    expect(isLinux ? threads() : before.threads).toBe(before.threads);
  },
);
