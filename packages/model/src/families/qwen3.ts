import { readRotary } from "../layers/rotary-config.ts";
import { ConfigReader } from "./config-reader.ts";
import type { Decoder, Family } from "./decoder.ts";
import { readLlamaSizes, readQwenWindows } from "./llama-config.ts";
import { llamaLike } from "./llama-like.ts";

/**
 * Qwen 3 (dense): Llama's layout with an explicit head size and RMSNorm on each head of queries and keys before they are
 * rotated.
 *
 * Source: transformers `models/qwen3/modeling_qwen3.py`; arXiv 2505.09388.
 */
export const qwen3: Family = {
  modelTypes: ["qwen3"],
  architecture: "Qwen3ForCausalLM",
  decoder: (config) => decoder(new ConfigReader(config)),
};

function decoder(config: ConfigReader): Decoder {
  const sizes = readLlamaSizes(config, { kvHeads: 32, headDim: 128, maxPositions: 32768 });
  const attention = config.boolean("attention_bias", false);
  const options = {
    ...sizes,
    family: "qwen3",
    rotary: readRotary(config, sizes),
    tied: config.boolean("tie_word_embeddings", false),
    biases: { qkv: attention, output: attention, mlp: false },
    headNorm: true,
    fused: false,
    windows: readQwenWindows(config, sizes.layers),
  };
  config.finish();
  return llamaLike(options);
}
