import type { ConfigReader } from "./config-reader.ts";
import type { DecoderSizes } from "./decoder.ts";

/** The sizes that every configuration in Llama's layout states under the same names. */
export interface LlamaSizes extends DecoderSizes {
  readonly intermediateSize: number;
  readonly epsilon: number;
}

/** What a family's configuration class in transformers assumes where a field is missing. */
export interface LlamaDefaults {
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly epsilon?: number;
  readonly maxPositions: number;
}

/** Reads the sizes; throws `model/config` where they do not fit together. */
export function readLlamaSizes(config: ConfigReader, defaults: LlamaDefaults): LlamaSizes {
  const heads = config.integer("num_attention_heads");
  const hiddenSize = config.integer("hidden_size");
  const missing = config.states("num_key_value_heads") ? undefined : defaults.kvHeads;
  const kvHeads = config.integer("num_key_value_heads", missing ?? heads);
  config.quotient("num_attention_heads", heads, "num_key_value_heads", kvHeads);
  config.oneOf("hidden_act", ["silu", "swish"], "silu");
  return {
    vocabSize: config.integer("vocab_size"),
    hiddenSize,
    layers: config.integer("num_hidden_layers", undefined, 1, 10_000),
    heads,
    kvHeads,
    headDim: config.integer("head_dim", defaults.headDim ?? hiddenSize / heads),
    intermediateSize: config.integer("intermediate_size"),
    epsilon: config.positive("rms_norm_eps", defaults.epsilon ?? 1e-6),
    maxPositions: config.integer("max_position_embeddings", defaults.maxPositions),
  };
}

/** No layer has a sliding window. */
export const noWindows = (layers: number): readonly undefined[] =>
  Array.from({ length: layers }, () => undefined);

/**
 * Qwen's sliding windows: off unless `use_sliding_window`; then the layers that `layer_types` names, or those from
 * `max_window_layers` on.
 */
export function readQwenWindows(
  config: ConfigReader,
  layers: number,
): readonly (number | undefined)[] {
  const used = config.boolean("use_sliding_window", false);
  const stated = config.states("sliding_window") ? config.raw("sliding_window") : 4096;
  const window = used && stated !== undefined ? config.integer("sliding_window", 4096) : undefined;
  const first = config.integer("max_window_layers", 28, 0);
  const kinds = ["sliding_attention", "full_attention"] as const;
  const types = config.strings("layer_types", layers, kinds);
  return Array.from({ length: layers }, (_, layer) => {
    const slides = types ? types[layer] === "sliding_attention" : layer >= first;
    return slides ? window : undefined;
  });
}
