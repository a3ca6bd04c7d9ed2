import { PostgradError } from "@postgrad/schema";

/**
 * Which layers run where: the prompt through `prompt`, the generated token of index i (0 for the first one, counted when
 * it is read) through `layersAt(i)`. The sets never grow, so that every layer a token enters holds keys and values of
 * all earlier positions.
 */
export interface LayerSchedule {
  /** Layers of the network (N); layer 0 is the bottom. */
  readonly layers: number;
  /** Layers that every prompt position runs through, ascending. */
  readonly prompt: readonly number[];
  /** Layers that run when generated token `index` is read, ascending. The same array for the same set. */
  layersAt(index: number): readonly number[];
  /** The index from which on the set stays as it is. */
  readonly settledAt: number;
}

/** Every layer for every token. */
export function fullDepth(layers: number): LayerSchedule {
  return layerSchedule({ layers, sets: [range(0, layers)] });
}

/**
 * A schedule from explicit sets: `sets[i]` for generated token i, the last one from then on.
 *
 * @throws PostgradError `skipdecode/hole` where a set holds a layer that an earlier one left out: its cache would miss
 * that position; `skipdecode/layers` for a layer that the network has not.
 */
export function layerSchedule(options: {
  readonly layers: number;
  /** Default: all layers. */
  readonly prompt?: readonly number[];
  readonly sets: readonly (readonly number[])[];
}): LayerSchedule {
  const { layers, prompt = range(0, layers) } = options;
  if (options.sets.length === 0) {
    throw new PostgradError("skipdecode/layers", "sets is empty; give at least one set of layers");
  }
  const sets = options.sets.map((set, i) => checkedSet(set, layers, `sets[${i}]`));
  const first = checkedSet(prompt, layers, "prompt");
  for (const [i, set] of sets.entries()) {
    const before = i === 0 ? first : sets[i - 1]!;
    const grown = set.find((layer) => !before.includes(layer));
    if (grown !== undefined) throw hole(grown, i);
  }
  const settledAt = sets.length - 1;
  return { layers, prompt: first, settledAt, layersAt: (i) => sets[clampIndex(i, settledAt)]! };
}

/** `index`, checked, and held at `settledAt` from there on. */
export function clampIndex(index: number, settledAt: number): number {
  if (Number.isInteger(index) && index >= 0) return Math.min(index, settledAt);
  throw new PostgradError(
    "skipdecode/index",
    `${index} is no generated index; the first generated token has index 0`,
  );
}

/** The integers from `start` up to, not including, `end`. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}

function checkedSet(set: readonly number[], layers: number, name: string): readonly number[] {
  const foreign = set.find((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < layers));
  if (foreign !== undefined) {
    throw new PostgradError(
      "skipdecode/layers",
      `${name} names layer ${foreign}, but the network has layers 0 to ${layers - 1}`,
    );
  }
  return [...new Set(set)].toSorted((a, b) => a - b);
}

function hole(layer: number, index: number): PostgradError {
  const before = index === 0 ? "the prompt" : `generated token ${index - 1}`;
  return new PostgradError(
    "skipdecode/hole",
    `layer ${layer} runs at generated token ${index} but not at ${before}, so its cache would have a hole there; ` +
      "a layer that was left out must stay out",
  );
}
