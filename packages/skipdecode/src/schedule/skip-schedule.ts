import { parseConfig, PostgradError, SkipScheduleConfig } from "@postgrad/schema";

import { activeLayers, checkOrder } from "./active-layers.ts";
import { clampIndex, type LayerSchedule, range } from "./layer-schedule.ts";
import { exitAt } from "./shape.ts";

/** A schedule of SkipDecode: a layer schedule made from one exit point per generated position. */
export interface SkipSchedule extends LayerSchedule {
  /** The settings, defaults filled in. */
  readonly config: SkipScheduleConfig;
  /** Number of active layers (warm-up included) when generated token `index` is read. */
  exitAt(index: number): number;
  /** Mean number of active layers over the first `generated` tokens; default: over the schedule's length. */
  meanLayers(generated?: number): number;
}

/** Settings of a schedule as they are written: `warmup` may be left out and is 1. */
export type SkipScheduleOptions = Omit<SkipScheduleConfig, "warmup"> & { readonly warmup?: number };

/**
 * SkipDecode (arXiv 2307.02628): one exit point for a whole batch at a position, never rising along the sequence, so
 * that batching works and no cached key or value is missing. Layers left out are the lower to middle ones.
 *
 * The token of index i is the i-th generated one (0 the first), counted when it is read to choose the next; the token of
 * index 0 itself was chosen by the prompt's pass. From `generated` on the exit point stays at `minExit`.
 *
 * @throws PostgradError `skipdecode/exits` for exit points that do not fit the network or would rise, `skipdecode/order`
 * for an order that does not name every layer once, `schema/invalid` for a misspelt or missing setting.
 */
export function skipSchedule(options: SkipScheduleOptions): SkipSchedule {
  const config = parseConfig(SkipScheduleConfig, options);
  checkExits(config);
  checkOrder(config);
  const { layers, generated, prompt = "full" } = config;
  const settledAt = Math.max(generated - 1, 1);
  const exits = Array.from({ length: settledAt + 1 }, (_, i) => exitAt(i, config));
  const sets = new Map(exits.map((exit) => [exit, activeLayers(exit, config)]));
  const exit = (index: number): number => exits[clampIndex(index, settledAt)]!;
  return {
    config,
    layers,
    settledAt,
    prompt: prompt === "full" ? range(0, layers) : activeLayers(config.maxExit, config),
    exitAt: exit,
    layersAt: (index) => sets.get(exit(index))!,
    meanLayers: (count = generated) => meanExit(exit, count),
  };
}

function checkExits({ layers, warmup, maxExit, minExit }: SkipScheduleConfig): void {
  if (warmup > layers) {
    throw refused(`warmup ${warmup} is above the network's ${layers} layers; lower warmup`);
  }
  if (maxExit > layers) {
    throw refused(`maxExit ${maxExit} is above the network's ${layers} layers; lower maxExit`);
  }
  if (minExit > maxExit) {
    throw refused(
      `minExit ${minExit} is above maxExit ${maxExit}: later tokens would read a hole in the cache; swap them`,
    );
  }
  // With no layer above the warm-up ones nothing would read what the warm-up prepares.
  const least = Math.min(warmup + 1, layers);
  if (minExit < least) {
    throw refused(
      `minExit ${minExit} leaves no layer above the ${warmup} warm-up ones; raise minExit to ${least} or lower warmup`,
    );
  }
}

function refused(message: string): PostgradError {
  return new PostgradError("skipdecode/exits", message);
}

function meanExit(exit: (index: number) => number, count: number): number {
  return range(0, count).reduce((sum, index) => sum + exit(index), 0) / count;
}
