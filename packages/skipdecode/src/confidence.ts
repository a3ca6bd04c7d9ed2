import { Batch, type Generation } from "./batch.ts";
import type { KeyValueCache } from "./cache.ts";
import type { Flow } from "./flow.ts";
import type { ConfidenceExit, GenerateEvent } from "./generate.ts";
import type { Network } from "./network.ts";
import { lastPlaces } from "./prefill.ts";
import { logSumExp, topTokens } from "./sampling/logits.ts";
import { range } from "./schedule/layer-schedule.ts";
import { similarities } from "./similarity.ts";

/** A generation that exits by confidence. */
export interface ConfidentGeneration extends Generation {
  readonly confidence: ConfidenceExit;
}

/**
 * The threshold of the token of `index`: threshold * (0.9 + 0.1 exp(-decay index / generated)), CALM's section 3.5 (the
 * threshold falls as tokens matter less).
 */
export function thresholdAt(
  { threshold, decay = 0 }: ConfidenceExit,
  index: number,
  generated: number,
): number {
  return threshold * (0.9 + 0.1 * Math.exp((-decay * index) / generated));
}

/**
 * CALM (arXiv 2207.07061) as a baseline: after each layer the batch may exit, when its least confident row passes. Layers
 * above the exit get keys and values made of the exit's hidden state, so that later tokens find no hole.
 */
export async function* confident(
  run: ConfidentGeneration,
): AsyncGenerator<GenerateEvent, void, undefined> {
  const { network, schedule, confidence } = run;
  await network.split(new Set(range(1, schedule.layers)));
  const generated = Math.max(...run.rows.map(({ request }) => request.maxNewTokens));
  const batch = await Batch.start(run);
  try {
    yield* batch.take(schedule.layers);
    for (let index = 0; ; index++) {
      yield* batch.abortWhereAsked();
      if (!batch.compact()) return;
      const threshold = thresholdAt(confidence, index, generated);
      yield* batch.take(
        await batch.stepBy((flow, cache) => exit(network, flow, cache, confidence, threshold)),
      );
    }
  } finally {
    batch.end();
  }
}

/** A step up to the layer where every row is confident; its logits, and how many layers ran. */
async function exit(
  network: Network,
  start: Flow,
  cache: KeyValueCache,
  { measure, warmup = 1 }: ConfidenceExit,
  threshold: number,
): Promise<{ logits: Float32Array[]; layers: number }> {
  const { layers } = network.decoder;
  const places = lastPlaces(start);
  let flow = start;
  for (let layer = 0; layer < layers; layer++) {
    const before = flow;
    flow = await network.through(before, [layer], cache);
    if (layer + 1 < warmup || layer + 1 === layers) continue;
    const logits = measure === "softmax" ? await network.head(flow, places) : undefined;
    const least = Math.min(...(logits ? logits.map(margin) : similarities(before, flow)));
    if (least < threshold) continue;
    for (const above of range(layer + 1, layers)) await network.propagate(flow, above, cache);
    return { logits: logits ?? (await network.head(flow, places)), layers: layer + 1 };
  }
  return { logits: await network.head(flow, places), layers };
}

/** The gap between the probabilities of the two likeliest tokens. */
function margin(logits: Float32Array): number {
  const total = logSumExp(logits);
  const [first = 0, second] = topTokens(logits, 2).map((token) => Math.exp(logits[token]! - total));
  return first - (second ?? 0);
}
