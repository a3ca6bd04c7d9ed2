import type { Decoder, TensorToWrite } from "@postgrad/model";

import { floatTensor } from "../checkpoint/float-tensor.ts";
import { lowRankNames } from "../graph/trained-weights.ts";
import type { WeightData } from "../step/stepper.ts";
import type { Adapter } from "./adapter.ts";

/** `adapter_config.json` as PEFT 0.17 reads it. */
export function adapterConfig(
  { rank, alpha, weights }: Adapter,
  base: string,
): Record<string, unknown> {
  return {
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: rank,
    target_modules: weights.map((weight) => weight.replace(/\.weight$/, "")),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
}

/** The tensors of `adapter_model.safetensors`, under PEFT's names. */
export function adapterTensors(
  decoder: Decoder,
  { rank, weights }: Adapter,
  data: WeightData,
): readonly TensorToWrite[] {
  return weights.flatMap((weight) => {
    const [out, width] = decoder.tensors.get(weight) as readonly [number, number];
    const { a, b } = lowRankNames(weight);
    return [
      floatTensor(peftName(a), [rank, width], () => data.get(a)!),
      floatTensor(peftName(b), [out, rank], () => data.get(b)!),
    ];
  });
}

/** A factor's name in PEFT's files. */
export const peftName = (name: string): string => `base_model.model.${name}`;
