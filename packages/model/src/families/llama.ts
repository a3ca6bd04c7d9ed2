import { readRotary } from "../layers/rotary-config.ts";
import { ConfigReader } from "./config-reader.ts";
import type { Decoder, Family } from "./decoder.ts";
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
  const sizes = readSizes(config);
  const attentionBias = config.boolean("attention_bias", false);
  config.oneOf("hidden_act", ["silu"], "silu");
  const rotary = readRotary(config, sizes.headDim, sizes.maxPositions);
  const options = {
    ...sizes,
    family: "llama",
    rotary,
    tied: config.boolean("tie_word_embeddings", false),
    biases: { qkv: attentionBias, output: attentionBias, mlp: config.boolean("mlp_bias", false) },
    headNorm: false,
    fused: false,
    windows: Array.from({ length: sizes.layers }, () => undefined),
  };
  config.finish(["attention_dropout", "pretraining_tp", "rope_interleaved"]);
  return llamaLike(options);
}

/** The sizes that every configuration in Llama's layout has under the same names. */
export function readSizes(config: ConfigReader) {
  const heads = config.integer("num_attention_heads");
  const hiddenSize = config.integer("hidden_size");
  return {
    vocabSize: config.integer("vocab_size"),
    hiddenSize,
    layers: config.integer("num_hidden_layers"),
    heads,
    kvHeads: config.integer("num_key_value_heads", heads),
    headDim: config.integer("head_dim", hiddenSize / heads),
    intermediateSize: config.integer("intermediate_size"),
    epsilon: config.positive("rms_norm_eps", 1e-6),
    maxPositions: config.integer("max_position_embeddings", 2048),
  };
}
