import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { decoderOf, writeSafetensors } from "@postgrad/model";
import { random } from "@postgrad/schema";

const config = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 48,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  hidden_act: "silu",
  tie_word_embeddings: false,
  eos_token_id: 2,
};

/** Writes a Llama of four layers with random weights, without a tokenizer. */
export async function writeTinyCheckpoint(folder: string): Promise<void> {
  const draw = random("tiny checkpoint");
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const tensors = [...decoderOf(config).tensors].map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const isNorm = name.includes("norm");
    const values = Float32Array.from({ length }, () => (isNorm ? 1 : (draw() - 0.5) * 0.6));
    return { name, dtype: "F32" as const, shape, data: () => new Uint8Array(values.buffer) };
  });
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
}
