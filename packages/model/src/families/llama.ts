import { readRotary } from "../layers/rotary-config.ts";
import { ConfigReader } from "./config-reader.ts";
import type { Decoder, Family } from "./decoder.ts";
import { noWindows, readLlamaSizes } from "./llama-config.ts";
import { llamaLike } from "./llama-like.ts";

/**
 * Llama 1 to 3.3 and everything in its layout: RMSNorm, rotary positions with their scalings, grouped query attention,
 * gated SiLU, head tied or not.
 *
 * Source: transformers `models/llama/modeling_llama.py`; arXiv 2302.13971, 2407.21783.
 */
export const llama: Family = {
  modelTypes: ["llama"],
  architecture: "LlamaForCausalLM",
  decoder: (config) => decoder(new ConfigReader(config)),
};

function decoder(config: ConfigReader): Decoder {
  const sizes = readLlamaSizes(config, { maxPositions: 2048 });
  const attention = config.boolean("attention_bias", false);
  const options = {
    ...sizes,
    family: "llama",
    rotary: readRotary(config, sizes),
    tied: config.boolean("tie_word_embeddings", false),
    biases: { qkv: attention, output: attention, mlp: config.boolean("mlp_bias", false) },
    headNorm: false,
    fused: false,
    windows: noWindows(sizes.layers),
  };
  config.finish(["pretraining_tp"]);
  return llamaLike(options);
}
