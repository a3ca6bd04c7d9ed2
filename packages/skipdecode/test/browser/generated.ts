// What node and the browser both compute: the same sources, each with the runtime of its platform.
import { collect, openEngine, runtimeOn, skipSchedule } from "../../src/index.ts";
import { tinyLlama } from "../tiny-llama.ts";

/** Tokens and likelihoods of a tiny checkpoint, as plain data. */
export interface Generated {
  readonly runtime: string;
  readonly full: readonly (readonly number[])[];
  readonly skipped: readonly (readonly number[])[];
  readonly layers: readonly number[];
  readonly sum: number;
}

/** Greedy tokens of two prompts of different lengths, at full depth and with a schedule, and a score. */
export async function generated(
  provider: "cpu" | "webgpu",
  threads: number,
  tokens: number,
): Promise<Generated> {
  const runtime = runtimeOn(provider);
  await using engine = await openEngine({ ...tinyLlama({}, 7), runtime, threads });
  const rows = [
    [3, 17, 5, 40],
    [9, 2, 33, 1, 60, 12, 7],
  ].map((prompt) => ({ prompt, maxNewTokens: tokens }));
  const schedule = skipSchedule({ layers: 6, maxExit: 5, minExit: 2, generated: tokens });
  const full = await collect(engine.generate({ rows }));
  const skipped = await collect(engine.generate({ rows, schedule }));
  const scores = await engine.score([{ prompt: [3], continuations: [[17, 5, 40]] }]);
  return {
    runtime: runtime.name,
    full: full.rows.map((row) => row.tokens),
    skipped: skipped.rows.map((row) => row.tokens),
    layers: skipped.rows[0]!.layers,
    sum: scores[0]![0]!.sum,
  };
}
