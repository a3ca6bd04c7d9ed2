import { PostgradError } from "@postgrad/schema";

import { layerSchedule, type LayerSchedule, range } from "./layer-schedule.ts";

/** A shallower network: the bottom `depth` layers for the prompt and for every generated token. */
export function truncated(layers: number, depth: number): LayerSchedule {
  const kept = range(0, checkedDepth(layers, depth));
  return layerSchedule({ layers, prompt: kept, sets: [kept] });
}

/**
 * Unified Layer Skipping (arXiv 2404.06954): one set for all generated tokens, of floor(N/s) layers: the first, the last,
 * and every floor(N / (keep - 1))-th between them; the prompt runs through the full network.
 */
export function unified(layers: number, speedup: number): LayerSchedule {
  const keep = checkedDepth(layers, Math.floor(layers / speedup));
  return layerSchedule({ layers, sets: [evenlySpaced(layers, keep)] });
}

function evenlySpaced(layers: number, keep: number): number[] {
  const kept = new Set(keep === 1 ? [layers - 1] : [0, layers - 1]);
  const interval = Math.max(1, Math.floor(layers / Math.max(1, keep - 1)));
  for (const layer of range(0, layers)) {
    if (kept.size < keep && layer % interval === 0) kept.add(layer);
  }
  return [...kept];
}

function checkedDepth(layers: number, depth: number): number {
  if (Number.isInteger(depth) && depth >= 1 && depth <= layers) return depth;
  throw new PostgradError(
    "skipdecode/layers",
    `${depth} layers are asked for of a network of ${layers}; keep 1 to ${layers}`,
  );
}
