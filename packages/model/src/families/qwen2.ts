import { readRotary } from "../layers/rotary-config.ts";
import { ConfigReader } from "./config-reader.ts";
import type { Decoder, Family } from "./decoder.ts";
import { readLlamaSizes, readQwenWindows } from "./llama-config.ts";
import { llamaLike } from "./llama-like.ts";

/**
 * Qwen 2 and 2.5: Llama's layout with biases on queries, keys and values, and sliding windows on the upper layers where
 * they are switched on.
 *
 * Source: transformers `models/qwen2/modeling_qwen2.py`; arXiv 2407.10671.
 */
export const qwen2: Family = {
  modelTypes: ["qwen2"],
  architecture: "Qwen2ForCausalLM",
  decoder: (config) => decoder(new ConfigReader(config)),
};

function decoder(config: ConfigReader): Decoder {
  const sizes = readLlamaSizes(config, { kvHeads: 32, maxPositions: 32768 });
  const options = {
    ...sizes,
    family: "qwen2",
    rotary: readRotary(config, sizes),
    tied: config.boolean("tie_word_embeddings", false),
    biases: { qkv: true, output: false, mlp: false },
    headNorm: false,
    fused: false,
    windows: readQwenWindows(config, sizes.layers),
  };
  config.finish();
  return llamaLike(options);
}
