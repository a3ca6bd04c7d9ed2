import { nearest, PostgradError } from "@postgrad/schema";

import type { HandOffConfig } from "../trl/config.ts";
import { presets } from "./index.ts";
import type { Preset, Sourced } from "./preset.ts";

/** What a preset is used for. */
export interface PresetUse {
  /** Shrinks the run for smaller data and machines; default 1. */
  readonly scale?: number;
  /** Who trains; TRL refuses what it cannot do. */
  readonly backend?: "embedded" | "trl";
}

/** The preset of that name; throws `train/unknown-preset` with the one that was meant. */
export function presetNamed(name: string): Preset {
  const found = presets.find((preset) => preset.name === name);
  if (found) return found;
  const names = presets.map((preset) => preset.name);
  const meant = nearest(name, names);
  throw new PostgradError(
    "train/unknown-preset",
    `there is no preset "${name}"; ${meant ? `did you mean "${meant}"?` : `there are ${names.join(", ")}`}`,
  );
}

/**
 * The options that a preset stands for. `scale` multiplies what counts rows and steps: the batch, and a warm-up that is given
 * in steps; neither falls below 1. The learning rate, epochs, lengths and shares stay.
 *
 * @throws PostgradError `train/unknown-preset`, `train/preset-scale`, or `train/trl-depth` for a depth schedule with TRL.
 */
export function presetSettings(
  name: string,
  { scale = 1, backend = "embedded" }: PresetUse = {},
): Partial<HandOffConfig> {
  const { settings, depthSchedule } = presetNamed(name);
  if (!(scale > 0)) {
    throw new PostgradError(
      "train/preset-scale",
      `scale must be above 0 (found ${scale}); 0.1 is a tenth of the run`,
    );
  }
  if (depthSchedule && backend === "trl") {
    throw new PostgradError(
      "train/trl-depth",
      `the preset "${name}" trains under a depth schedule, and TRL has none: use the embedded trainer`,
    );
  }
  const values = Object.fromEntries(
    Object.entries(settings).map(([key, { value }]) => [key, value]),
  ) as Partial<HandOffConfig>;
  const { batchSize = 1, warmup = 0 } = values;
  return {
    ...values,
    batchSize: scaled(batchSize, scale),
    warmup: warmup < 1 ? warmup : scaled(warmup, scale),
  };
}

/** The rows of one pass at `scale`, with their source; `undefined` where the paper does not say. */
export function presetRows(name: string, scale = 1): Sourced<number> | undefined {
  const { rows } = presetNamed(name);
  return (
    rows && { value: scaled(rows.value, scale), source: scale === 1 ? rows.source : "derived" }
  );
}

const scaled = (count: number, scale: number): number => Math.max(1, Math.round(count * scale));
