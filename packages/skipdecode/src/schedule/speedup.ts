import type { LayerSchedule } from "./layer-schedule.ts";
import { range } from "./layer-schedule.ts";

/** What the arithmetic of a speed-up counts. */
export interface SpeedupOptions {
  /** Generated tokens that are read; default: the schedule's length. */
  readonly generated?: number;
  /** Cost of the LM head, which is never skipped, in layers: its weights over a layer's. Default 0 (layers only). */
  readonly headCost?: number;
  /** Prompt positions to count; they run through the schedule's prompt layers. Default 0 (decoding only). */
  readonly promptTokens?: number;
}

/**
 * The speed-up over the full network that the layer count allows: `(N + head) / (mean layers + head)` over the counted
 * positions. This is arithmetic on weights, the most that decoding bound by memory can gain; it is not a measured time.
 */
export function layerSpeedup(schedule: LayerSchedule, options: SpeedupOptions = {}): number {
  const { generated = schedule.settledAt + 1, headCost = 0, promptTokens = 0 } = options;
  const positions = generated + promptTokens;
  const decoded = range(0, generated).reduce((sum, i) => sum + schedule.layersAt(i).length, 0);
  const run = decoded + promptTokens * schedule.prompt.length;
  return (positions * (schedule.layers + headCost)) / (run + positions * headCost);
}
