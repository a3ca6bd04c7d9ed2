import { PostgradError } from "@postgrad/schema";

import type { Engine } from "./engine.ts";
import { collect } from "./generate.ts";
import { exitsForSpeedup } from "./schedule/exits.ts";
import { range } from "./schedule/layer-schedule.ts";
import { type SkipSchedule, skipSchedule } from "./schedule/skip-schedule.ts";
import { layerSpeedup } from "./schedule/speedup.ts";

/** What a calibration measures. */
export interface CalibrationOptions {
  /** Token ids of prompts like those to come; a few dozen say enough. */
  readonly prompts: readonly (readonly number[])[];
  /** Tokens generated for each prompt, and the length of the schedules. */
  readonly generated: number;
  /** Speed-ups by layer count to try; default 1.25, 1.5, 2, 3, 4, 5. Those beyond the network's layers are left out. */
  readonly speedups?: readonly number[];
  readonly warmup?: number;
  readonly signal?: AbortSignal;
}

/** One schedule and what it gains and costs. */
export interface CalibrationPoint {
  readonly schedule: SkipSchedule;
  /** How layers are left out: from the bottom up (the paper's), or the least influential first. */
  readonly order: "position" | "influence";
  /** Speed-up of decoding by arithmetic, the head counted. */
  readonly speedup: number;
  /** Share of the full model's greedy tokens that this schedule would have chosen too, given the same text before. */
  readonly agreement: number;
  /** Perplexity of the full model's greedy tokens under this schedule. */
  readonly perplexity: number;
  /** Whether no other point is at least as fast and agrees more. */
  readonly isPareto: boolean;
}

/** What was found on the prompts. */
export interface Calibration {
  /** Block influence of each layer: 1 - mean cosine of its input and output. Low: the layer changes little. */
  readonly influence: readonly number[];
  /** The full model first, then by speed-up. */
  readonly points: readonly CalibrationPoint[];
}

/**
 * Measures schedules on prompts: the full model answers them greedily, and each schedule is scored on these answers. All of
 * it is relative to the model as it is; a model that was trained with its schedule should be calibrated after that.
 *
 * Source of block influence: ShortGPT, arXiv 2403.03853.
 */
export async function calibrate(engine: Engine, options: CalibrationOptions): Promise<Calibration> {
  const { prompts, generated, signal } = options;
  const influence = await engine.influence(prompts);
  const rows = prompts.map((prompt) => ({ prompt, maxNewTokens: generated, ignoreEos: true }));
  const answers = await collect(engine.generate({ rows, ...(signal && { signal }) }));
  const scored = answers.rows.map(({ tokens }, i) => ({
    prompt: prompts[i]!,
    continuations: [tokens],
  }));
  const points: Omit<CalibrationPoint, "isPareto">[] = [];
  for (const { schedule, order } of candidates(engine.layers, influence, options)) {
    const given = await engine.score(scored, { schedule, top: 1, ...(signal && { signal }) });
    const places = given.flatMap(([row], i) =>
      row!.top.map(([best], j) => ({
        isSame: best!.token === scored[i]!.continuations[0]![j],
        logprob: row!.logprobs[j]!,
      })),
    );
    points.push({
      schedule,
      order,
      speedup: layerSpeedup(schedule, { generated, headCost: engine.headCost }),
      agreement: places.filter(({ isSame }) => isSame).length / places.length,
      perplexity: Math.exp(-places.reduce((sum, { logprob }) => sum + logprob, 0) / places.length),
    });
  }
  const isPareto = (point: (typeof points)[number]): boolean =>
    !points.some((other) => other.speedup >= point.speedup && other.agreement > point.agreement);
  return { influence, points: points.map((point) => ({ ...point, isPareto: isPareto(point) })) };
}

/**
 * The fastest schedule that keeps the quality asked for.
 *
 * @throws PostgradError `skipdecode/quality` where none does, with the best there is.
 */
export function chooseSchedule(
  { points }: Calibration,
  quality: { readonly agreement?: number; readonly perplexity?: number },
): CalibrationPoint {
  const { agreement = 0, perplexity = Infinity } = quality;
  const good = points
    .filter((point) => point.agreement >= agreement && point.perplexity <= perplexity)
    .toSorted((a, b) => b.speedup - a.speedup || b.agreement - a.agreement);
  if (good[0]) return good[0];
  const best = points.toSorted((a, b) => b.agreement - a.agreement)[0];
  throw new PostgradError(
    "skipdecode/quality",
    `no schedule reaches agreement ${agreement} and perplexity ${perplexity}; the best has agreement ` +
      `${best?.agreement} and perplexity ${best?.perplexity}: ask for less, or for smaller speed-ups`,
  );
}

/** Layers from most to least influential, the last one first: it shapes what the head reads. */
export function importanceOrder(influence: readonly number[]): number[] {
  const last = influence.length - 1;
  const rest = range(0, last).toSorted((a, b) => influence[b]! - influence[a]! || b - a);
  return [last, ...rest];
}

function* candidates(
  layers: number,
  influence: readonly number[],
  { generated, speedups = [1.25, 1.5, 2, 3, 4, 5], warmup = 1 }: CalibrationOptions,
): Generator<Pick<CalibrationPoint, "schedule" | "order">, void> {
  const full = { maxExit: layers, minExit: layers };
  yield { schedule: skipSchedule({ layers, warmup, generated, ...full }), order: "position" };
  const most = layers / Math.min(warmup + 1, layers);
  for (const speedup of speedups.filter((wanted) => wanted > 1 && wanted <= most)) {
    const exits = exitsForSpeedup({ layers, speedup, warmup });
    const settings = { layers, warmup, generated, ...exits };
    yield { schedule: skipSchedule(settings), order: "position" };
    const order = importanceOrder(influence);
    yield { schedule: skipSchedule({ ...settings, order }), order: "influence" };
  }
}
