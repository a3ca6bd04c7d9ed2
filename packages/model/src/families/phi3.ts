import { readRotary } from "../layers/rotary-config.ts";
import { ConfigReader } from "./config-reader.ts";
import type { Decoder, Family } from "./decoder.ts";
import { readLlamaSizes } from "./llama-config.ts";
import { llamaLike } from "./llama-like.ts";

/**
 * Phi-3, Phi-3.5 and Phi-4-mini: Llama's layout with q|k|v and gate|up stored as one tensor each, longrope ("su" and "yarn"
 * are its older names here), rotations of a part of each head (Phi-4-mini), and a sliding window over every layer.
 *
 * Source: transformers `models/phi3/modeling_phi3.py`; arXiv 2404.14219, 2402.13753 (longrope).
 */
export const phi3: Family = {
  modelTypes: ["phi3"],
  architecture: "Phi3ForCausalLM",
  decoder: (config) => decoder(new ConfigReader(config)),
};

function decoder(config: ConfigReader): Decoder {
  const sizes = readLlamaSizes(config, { epsilon: 1e-5, maxPositions: 4096 });
  const window = config.has("sliding_window") ? config.integer("sliding_window") : undefined;
  const rotary = readRotary(config, sizes, {
    partial: true,
    original: 4096,
    aliases: { su: "longrope", yarn: "longrope" },
  });
  const options = {
    ...sizes,
    family: "phi3",
    rotary,
    tied: config.boolean("tie_word_embeddings", false),
    biases: { qkv: false, output: false, mlp: false },
    headNorm: false,
    fused: true,
    windows: Array.from({ length: sizes.layers }, () => window),
  };
  // Phi-4-mini states these at the values that change nothing.
  config.oneOf("full_attn_mod", [1], 1);
  config.oneOf("interpolate_factor", [1], 1);
  config.finish(["embd_pdrop", "resid_pdrop"]);
  return llamaLike(options);
}
