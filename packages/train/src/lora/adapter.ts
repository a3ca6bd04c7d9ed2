import type { Decoder } from "@postgrad/model";
import { PostgradError, random } from "@postgrad/schema";

import { type LowRank, lowRankNames } from "../graph/trained-weights.ts";
import type { WeightData } from "../step/stepper.ts";

/** The settings of an adapter. */
export interface AdapterOptions {
  readonly rank: number;
  /** The addition is scaled by alpha / rank; twice the rank by default. */
  readonly alpha?: number | undefined;
  /** Ends of the names of the layers that get one, as in PEFT (`q_proj`, `mlp.down_proj`); all linear ones but the head by default. */
  readonly targets?: readonly string[] | undefined;
}

/** A LoRA adapter (Hu et al., arXiv 2106.09685): low-rank additions to linear layers. */
export interface Adapter extends LowRank {
  readonly alpha: number;
  /** The weights of the linear layers that have one. */
  readonly weights: readonly string[];
}

/** The adapter for a decoder; throws `train/lora-target` for a target that no linear layer's name ends in. */
export function adapterFor(
  decoder: Decoder,
  { rank, alpha = 2 * rank, targets }: AdapterOptions,
): Adapter {
  const linears = decoder.linears.map(({ weight }) => weight);
  const head = (weight: string): boolean => /(^|\.)(lm_head|embed_tokens)\.weight$/.test(weight);
  const isTarget = (weight: string, target: string): boolean =>
    `.${weight}`.endsWith(`.${target}.weight`);
  const missing = targets?.find((target) => !linears.some((weight) => isTarget(weight, target)));
  if (missing !== undefined) {
    const ends = new Set(linears.map((weight) => weight.split(".").at(-2)));
    throw new PostgradError(
      "train/lora-target",
      `no linear layer's name ends in "${missing}"; this model has ${[...ends].join(", ")}`,
    );
  }
  const chosen = linears.filter((weight) =>
    targets ? targets.some((target) => isTarget(weight, target)) : !head(weight),
  );
  const set = new Set(chosen);
  return { rank, alpha, scale: alpha / rank, weights: chosen, adapts: (weight) => set.has(weight) };
}

/** Fresh factors by name: A uniform within 1 / sqrt(inputs), as PEFT draws it, B zero, so that training starts at the model. */
export function freshFactors(
  decoder: Decoder,
  { rank, weights }: Adapter,
  seed: number,
): Map<string, Float32Array> {
  return new Map(
    weights.flatMap((weight) => {
      const [out, width] = decoder.tensors.get(weight) as readonly [number, number];
      const { a, b } = lowRankNames(weight);
      const draw = random(`${seed}/lora/${weight}`);
      const bound = 1 / Math.sqrt(width);
      const first = Float32Array.from({ length: rank * width }, () => (2 * draw() - 1) * bound);
      return [
        [a, first],
        [b, new Float32Array(out * rank)],
      ] as const;
    }),
  );
}

/** `weight` with its low-rank addition worked in, as a new array: W + scale B A. */
export function merged(
  weight: string,
  data: WeightData,
  shape: readonly number[],
  { rank, scale }: Adapter,
): Float32Array {
  const [out, width] = shape as readonly [number, number];
  const names = lowRankNames(weight);
  const [a, b] = [data.get(names.a)!, data.get(names.b)!];
  const result = Float32Array.from(data.get(weight)!);
  for (let row = 0; row < out; row++) {
    for (let inner = 0; inner < rank; inner++) {
      const factor = scale * b[row * rank + inner]!;
      if (factor === 0) continue;
      for (let column = 0; column < width; column++) {
        result[row * width + column]! += factor * a[inner * width + column]!;
      }
    }
  }
  return result;
}
