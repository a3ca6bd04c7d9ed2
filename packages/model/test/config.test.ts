import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { decoderOf } from "../src/index.ts";

const read = (name: string): Record<string, unknown> =>
  JSON.parse(
    readFileSync(`${import.meta.dirname}/fixtures/families/${name}/config.json`, "utf8"),
  ) as Record<string, unknown>;

/** What is refused: a family, the fields that are changed, and the error. */
const refused: readonly [string, Record<string, unknown>, string][] = [
  ["llama", { model_type: "mixtral" }, 'model_type is "mixtral"; supported: llama, mistral, opt'],
  ["llama", { model_type: undefined }, "model_type is missing"],
  ["llama", { hidden_act: "gelu" }, 'hidden_act is "gelu"; supported: "silu"'],
  ["llama", { logits_scaling: 8 }, "logits_scaling is 8, which is not supported"],
  ["llama", { num_local_experts: 8 }, "num_local_experts is 8"],
  ["llama", { quantization_config: { bits: 4 } }, 'quantization_config is {"bits":4}'],
  ["llama", { sliding_window: 4096 }, "sliding_window is 4096"],
  ["llama", { partial_rotary_factor: 0.5 }, "partial_rotary_factor is 0.5; supported: 1"],
  ["llama", { rope_scaling: { rope_type: "ntk", factor: 2 } }, 'rope_scaling.rope_type is "ntk"'],
  ["llama", { rope_scaling: { type: "linear", factor: null } }, "rope_scaling.factor is missing"],
  [
    "llama",
    { rope_scaling: { type: "linear", factor: 2, finetuned: 1 } },
    "rope_scaling.finetuned is 1",
  ],
  ["llama", { hidden_size: Number.NaN }, "hidden_size is NaN; expected a whole number"],
  ["llama", { rms_norm_eps: Number.NaN }, "rms_norm_eps is NaN; expected a finite number"],
  ["llama", { rope_theta: -1 }, "rope_theta is -1"],
  ["llama", { num_hidden_layers: 0 }, "num_hidden_layers is 0"],
  [
    "llama",
    { num_hidden_layers: 1e9 },
    "num_hidden_layers is 1000000000; expected a whole number from 1 to 10000",
  ],
  ["llama", { num_hidden_layers: "3" }, 'num_hidden_layers is "3"'],
  ["llama", { num_key_value_heads: 3 }, "num_attention_heads is 4; expected a multiple of"],
  ["llama", { num_attention_heads: 6 }, "head_dim is 5.3333"],
  ["llama", { head_dim: 7 }, "7 of the 7 dimensions of a head would be rotated"],
  ["llama", { tie_word_embeddings: "yes" }, 'tie_word_embeddings is "yes"'],
  ["mistral-window", { layer_types: ["full_attention"] }, "layer_types"],
  ["qwen2-layer-types", { layer_types: ["full_attention"] }, "layer_types"],
  [
    "phi3-longrope",
    { rope_scaling: { type: "longrope", short_factor: [1], long_factor: [1] } },
    "short_factor is [1]; expected 4 finite numbers",
  ],
  ["phi3", { full_attn_mod: 2 }, "full_attn_mod is 2; supported: 1"],
  ["opt", { activation_function: "gelu_new" }, 'activation_function is "gelu_new"'],
  ["opt", { layer_norm_elementwise_affine: false }, "layer_norm_elementwise_affine is false"],
];

test.each(refused)("%s with %j is refused by name", (name, changes, message) => {
  expect(() => decoderOf({ ...read(name), ...changes })).toThrow(message);
});

/** What changes nothing, and is let through. */
const harmless: readonly [string, Record<string, unknown>][] = [
  ["llama", { attention_dropout: 0.1, pretraining_tp: 2, use_cache: false, temperature: 0.7 }],
  ["llama", { _name_or_path: "x", auto_map: { AutoConfig: "x" }, quantization_config: null }],
  ["llama", { rope_scaling: { rope_type: "default" }, rope_theta: undefined }],
  ["phi3", { resid_pdrop: 0.1, embd_pdrop: 0.1 }],
  ["opt", { dropout: 0.5, layerdrop: 0.1, init_std: 1 }],
];

test.each(harmless)("%s with %j is the same decoder", (name, changes) => {
  const [before, after] = [read(name), { ...read(name), ...changes }].map(decoderOf);
  expect([...after!.tensors]).toEqual([...before!.tensors]);
});

test('"su", the older name of longrope, is longrope', () => {
  const config = read("phi3-longrope");
  const older = { ...config, rope_scaling: { ...(config["rope_scaling"] as object), type: "su" } };
  expect(decoderOf(older).rotaryRegime(17)).toBe("long");
  expect(decoderOf(older).rotaryRegime(16)).toBe("short");
});
