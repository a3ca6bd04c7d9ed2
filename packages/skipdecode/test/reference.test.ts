import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { collect, type Engine, skipSchedule } from "../src/index.ts";
import {
  distance,
  engineOn,
  type Expected,
  expectedOf,
  fixture,
  hasFixtures,
  missing,
} from "./checkpoints.ts";

const names = ["llama-gqa-untied", "opt-prenorm", "qwen2-tied", "phi3"];

describe.skipIf(!hasFixtures).each(names)(`%s gives PyTorch's numbers${missing}`, (name) => {
  let engine: Engine;
  let expected: Expected;

  beforeAll(async () => {
    expected = expectedOf(name);
    engine = await engineOn(fixture(name));
  });
  afterAll(() => engine.dispose());

  test("greedy tokens, prompts of different lengths in one batch and alone", async () => {
    const rows = expected.cases.map(({ ids, greedy }) => ({
      prompt: ids,
      maxNewTokens: greedy.tokens.length,
      logprobs: 0,
    }));
    const batch = await collect(engine.generate({ rows }));
    for (const [i, { greedy }] of expected.cases.entries()) {
      const alone = await collect(engine.generate({ rows: [rows[i]!] }));
      for (const row of [batch.rows[i]!, alone.rows[0]!]) {
        expect(row.tokens).toEqual(greedy.tokens);
        expect(distance(row.logprobs, greedy.logprobs)).toBeLessThan(1e-4);
        expect(row.layers).toEqual(greedy.tokens.map(() => expected.layers));
      }
    }
  });

  test("log-probabilities and logits of given tokens", async () => {
    const scored = await engine.score(
      expected.cases.map(({ ids }) => ({ prompt: ids.slice(0, 1), continuations: [ids.slice(1)] })),
      { logits: true },
    );
    for (const [i, { token_logprobs, last_logits }] of expected.cases.entries()) {
      const { logprobs, logits } = scored[i]![0]!;
      expect(distance(logprobs, token_logprobs)).toBeLessThan(1e-4);
      expect(distance(logits!, last_logits)).toBeLessThan(1e-4);
    }
  });

  test("through some of the layers only", async () => {
    for (const { ids, active_sets } of expected.cases) {
      for (const { active, last_logits } of active_sets) {
        const row = { prompt: ids, continuations: [[]] };
        const scored = await engine.score([row], { layers: active, logits: true });
        expect(distance(scored[0]![0]!.logits!, last_logits)).toBeLessThan(1e-4);
      }
    }
  });

  test("SkipDecode's tokens and layer counts", async () => {
    for (const { ids, skipdecode } of expected.cases) {
      for (const trace of skipdecode) {
        const schedule = skipSchedule({
          layers: expected.layers,
          warmup: trace.warmup,
          maxExit: trace.max_exit,
          minExit: trace.min_exit,
          generated: trace.schedule_length - trace.prompt_length,
          prompt: trace.prompt_mode === "full" ? "full" : "max-exit",
        });
        const rows = [{ prompt: ids, maxNewTokens: trace.tokens.length }];
        const {
          rows: [row],
        } = await collect(engine.generate({ rows, schedule }));
        expect(row!.tokens).toEqual(trace.tokens);
        expect(row!.layers).toEqual(trace.active_counts);
      }
    }
  });

  test("the same tokens in exact mode", async () => {
    const rows = expected.cases.map(({ ids, greedy }) => ({
      prompt: ids,
      maxNewTokens: greedy.tokens.length,
    }));
    const { rows: given } = await collect(engine.generate({ rows, exact: { draft: 3 } }));
    expect(given.map(({ tokens }) => tokens)).toEqual(
      expected.cases.map(({ greedy }) => greedy.tokens),
    );
  });
});
