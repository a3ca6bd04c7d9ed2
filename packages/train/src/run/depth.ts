import { PostgradError, type SkipScheduleConfig } from "@postgrad/schema";

import type { PrefixOf } from "../step/feeds.ts";

/** What is needed of a skip schedule: which layers read the generated token of an index, and which read the prompt. */
export interface LayersAt {
  readonly prompt: readonly number[];
  layersAt(index: number): readonly number[];
}

/** Makes a schedule from its settings: `skipSchedule` of `@postgrad/skipdecode`, handed in by who uses both. */
export type MakeSchedule = (config: SkipScheduleConfig) => LayersAt;

/**
 * The schedule of a step on the way in: both exit points come down from the whole network on a straight line over the first
 * `ramp` of the steps. `progress` is 0 at the first step and 1 at the last.
 */
export function rampedSchedule(
  config: SkipScheduleConfig,
  ramp: number,
  progress: number,
): SkipScheduleConfig {
  const way = ramp === 0 ? 1 : Math.min(1, progress / ramp);
  const exit = (target: number): number =>
    Math.floor(config.layers + (target - config.layers) * way + 0.5);
  return { ...config, maxExit: exit(config.maxExit), minExit: exit(config.minExit) };
}

/**
 * How many leading positions of a text run each layer under `schedule`. In decoding, position p of a text with P prompt tokens
 * is read with the layers of index p - P; those that use a layer are a prefix because exit points never rise.
 *
 * Throws `train/depth` for a schedule under which they are not.
 */
export function prefixesUnder(schedule: LayersAt, layers: number): PrefixOf {
  return ({ text }) => {
    const counts = Array.from({ length: layers }, () => 0);
    for (const layer of schedule.prompt) counts[layer] = text.promptLength;
    for (let position = text.promptLength; position < text.ids.length; position++) {
      for (const layer of schedule.layersAt(position - text.promptLength)) {
        if (counts[layer] !== position) {
          throw new PostgradError(
            "train/depth",
            `layer ${layer} runs at position ${position} but not at all earlier ones: exit points must never rise`,
          );
        }
        counts[layer] = position + 1;
      }
    }
    return counts;
  };
}
