// This engine: decoding at full depth and by schedules, batches, prefill, memory.
import { decoderOf } from "@postgrad/model";
import {
  collect,
  type Engine,
  exitsForSpeedup,
  layerSpeedup,
  type LayerSchedule,
  openEngine,
  skipSchedule,
} from "@postgrad/skipdecode";

import { randomWeights } from "./random-weights.ts";
import { shapes } from "./shapes.ts";
import { best, reply, task } from "./task.ts";

const { shape, format, threads, prompt, generated, rounds } = task();
const decoder = decoderOf(shapes[shape]!);
using weights = randomWeights(decoder, format);
const before = process.memoryUsage().rss;
await using engine = await openEngine({ decoder, weights: weights.source, threads });

const decode = (rows: number, schedule?: LayerSchedule): Promise<number> =>
  best(rounds, async () => (await generate(engine, rows, schedule)).decodeMs / generated);

const fullMs = { 1: await decode(1), 8: await decode(8) };
const after = process.memoryUsage().rss;
const prefillMs = await best(rounds, () => prefill(engine, 256));
const skipping: object[] = [];
const { layers } = decoder;
for (const speedup of [2, 3, 4, 5]) {
  const schedule = skipSchedule({ layers, ...exitsForSpeedup({ layers, speedup }), generated });
  const arithmetic = layerSpeedup(schedule, { generated, headCost: engine.headCost });
  for (const rows of [1, 8] as const) {
    // full depth again, beside it: the machine may be faster or slower by now
    const ms = await decode(rows, schedule);
    const measured = (await decode(rows)) / ms;
    skipping.push({ speedup, rows, ms, measured, arithmetic });
  }
}
const weightBytes = weights.layerBytes * decoder.layers + weights.headBytes;
const cacheBytes =
  2 * decoder.layers * decoder.kvHeads * decoder.headDim * 4 * (prompt + generated);
reply({
  fullMs,
  prefillMs,
  skipping,
  weightBytes,
  prefillOperations: (2 * 256 * (weightBytes - weights.headBytes)) / bytesEach(),
  memory: { rss: after - before, expected: weightBytes + 8 * cacheBytes },
});

function bytesEach(): number {
  return format === "fp32" ? 4 : 0.625;
}

async function generate(on: Engine, rows: number, schedule?: LayerSchedule) {
  const ids = Array.from({ length: prompt }, (_, i) => 5 + i);
  const row = { prompt: ids, maxNewTokens: generated + 1, ignoreEos: true };
  const request = { rows: Array.from({ length: rows }, () => row), ...(schedule && { schedule }) };
  return (await collect(on.generate(request))).timing;
}

async function prefill(on: Engine, tokens: number): Promise<void> {
  const ids = Array.from({ length: tokens }, (_, i) => 5 + i);
  await collect(on.generate({ rows: [{ prompt: ids, maxNewTokens: 1 }] }));
}
