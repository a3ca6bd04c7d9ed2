import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type Decoder, decoderOf, writeSafetensors } from "@postgrad/model";
import { type RawRow, random } from "@postgrad/schema";

import type { Text } from "../src/index.ts";

/** Configurations of small models, one of each layout that gradients differ by. */
export const smallConfigs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  llama: llama({ tie_word_embeddings: false }),
  "llama tied": llama({ tie_word_embeddings: true }),
  mistral: {
    ...llama({}),
    architectures: ["MistralForCausalLM"],
    model_type: "mistral",
    sliding_window: 4,
  },
  qwen2: {
    ...llama({ tie_word_embeddings: true }),
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
  },
  qwen3: { ...llama({}), architectures: ["Qwen3ForCausalLM"], model_type: "qwen3", head_dim: 8 },
  phi3: {
    ...llama({ tie_word_embeddings: false }),
    architectures: ["Phi3ForCausalLM"],
    model_type: "phi3",
  },
  opt: {
    architectures: ["OPTForCausalLM"],
    model_type: "opt",
    activation_function: "gelu", // no kinks, which differences would step over
    do_layer_norm_before: true,
    ffn_dim: 24,
    hidden_size: 16,
    max_position_embeddings: 64,
    num_attention_heads: 2,
    num_hidden_layers: 2,
    vocab_size: 40,
    word_embed_proj_dim: 16,
  },
};

function llama(more: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_act: "silu",
    hidden_size: 16,
    intermediate_size: 24,
    max_position_embeddings: 64,
    num_attention_heads: 4,
    num_hidden_layers: 2,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    vocab_size: 40,
    ...more,
  };
}

/** Seeded weights: matrices around 0, norms around 1. */
export function smallWeights(
  decoder: Decoder,
  seed: number | string = 0,
): Map<string, Float32Array> {
  return new Map(
    [...decoder.tensors].map(([name, shape]) => {
      const draw = random(`${seed}/${name}`);
      const isNorm = shape.length === 1 && !name.endsWith("bias");
      const size = shape.reduce((product, length) => product * length, 1);
      return [
        name,
        Float32Array.from({ length: size }, () => (isNorm ? 1 : 0) + (draw() - 0.5) * 0.6),
      ];
    }),
  );
}

/** Writes a small checkpoint folder and returns its decoder. */
export async function writeSmallModel(
  folder: string,
  name = "llama",
  more = {},
  seed = 0,
): Promise<Decoder> {
  const config = { ...smallConfigs[name]!, ...more };
  const decoder = decoderOf(config);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const weights = smallWeights(decoder, seed);
  const tensors = [...decoder.tensors].map(([tensor, shape]) => ({
    name: tensor,
    dtype: "F32",
    shape,
    data: () => new Uint8Array(weights.get(tensor)!.buffer),
  }));
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
  return decoder;
}

/** Seeded rows of token ids. A response repeats the prompt's last token plus one, so that there is something to learn. */
export function completionRows(count: number, seed = 0): RawRow[] {
  const draw = random(`${seed}/rows`);
  const below = (limit: number): number => Math.floor(draw() * limit);
  return Array.from({ length: count }, () => {
    const prompt_ids = Array.from({ length: 2 + below(5) }, () => 4 + below(30));
    const next = prompt_ids.at(-1)! + 1;
    return { prompt_ids, completion_ids: [...Array.from({ length: 1 + below(5) }, () => next), 3] };
  });
}

/** Seeded pairs of token ids; the chosen side is the learnable one. */
export function pairRows(count: number, seed = 0): RawRow[] {
  return completionRows(count, seed).map(({ prompt_ids, completion_ids }, index) => {
    const chosen_ids = completion_ids as number[];
    const rejected_ids = [...chosen_ids.slice(1).map((id) => (id + 5 + (index % 3)) % 40), 4, 3];
    return { prompt_ids, chosen_ids, rejected_ids };
  });
}

/** A text from a prompt and a response. */
export const text = (prompt: readonly number[], response: readonly number[]): Text => ({
  ids: [...prompt, ...response],
  scored: response.map((_, i) => prompt.length + i).filter((index) => index > 0),
  promptLength: prompt.length,
});
