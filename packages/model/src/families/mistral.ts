import { readRotary } from "../layers/rotary-config.ts";
import { ConfigReader } from "./config-reader.ts";
import type { Decoder, Family } from "./decoder.ts";
import { readLlamaSizes } from "./llama-config.ts";
import { llamaLike } from "./llama-like.ts";

/**
 * Mistral 7B and its kin: Llama's layout with a sliding window over every layer, where the configuration states one
 * (4096 where it says nothing, none where it says null).
 *
 * Source: transformers `models/mistral/modeling_mistral.py`; arXiv 2310.06825.
 */
export const mistral: Family = {
  modelTypes: ["mistral"],
  architecture: "MistralForCausalLM",
  decoder: (config) => decoder(new ConfigReader(config)),
};

function decoder(config: ConfigReader): Decoder {
  const sizes = readLlamaSizes(config, { kvHeads: 8, maxPositions: 131072 });
  const none = config.states("sliding_window") && config.raw("sliding_window") === undefined;
  const window = none ? undefined : config.integer("sliding_window", 4096);
  const options = {
    ...sizes,
    family: "mistral",
    rotary: readRotary(config, sizes),
    tied: config.boolean("tie_word_embeddings", false),
    biases: { qkv: false, output: false, mlp: false },
    headNorm: false,
    fused: false,
    windows: Array.from({ length: sizes.layers }, () => window),
  };
  config.finish();
  return llamaLike(options);
}
