import type { LayerRange } from "@postgrad/model";

import { type LayerSchedule, range } from "./schedule/layer-schedule.ts";

/** Where runs of layers must begin so that each of the sets is made of whole runs; 0 and `layers` are left out. */
export function boundariesOf(layers: number, sets: Iterable<readonly number[]>): Set<number> {
  const boundaries = new Set<number>();
  for (const set of sets) {
    const isIn = new Set(set);
    for (let layer = 1; layer < layers; layer++) {
      if (isIn.has(layer) !== isIn.has(layer - 1)) boundaries.add(layer);
    }
  }
  return boundaries;
}

/** The different sets that a schedule uses over `generated` tokens. */
export function setsOf(schedule: LayerSchedule, generated: number): Set<readonly number[]> {
  const indices = range(0, Math.min(generated, schedule.settledAt + 1));
  return new Set([schedule.prompt, ...indices.map((index) => schedule.layersAt(index))]);
}

/** The runs of layers between boundaries. */
export function runsBetween(
  { from, to }: LayerRange,
  boundaries: ReadonlySet<number>,
): LayerRange[] {
  const cuts = [...boundaries].filter((cut) => cut > from && cut < to).toSorted((a, b) => a - b);
  return [from, ...cuts].map((start, i) => ({ from: start, to: cuts[i] ?? to }));
}
