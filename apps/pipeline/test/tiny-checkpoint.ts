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

/** Adds a byte-level tokenizer of single letters and a chat template. */
export function writeTinyTokenizer(folder: string): void {
  const letters = [
    "<unk>",
    "<s>",
    "</s>",
    "Ġ",
    "Ċ",
    ...Array.from(".,:?!0123456789abcdefghijklmnopqrstuvwxyz"),
  ];
  const added = [0, 1, 2].map((id) => ({
    id,
    content: letters[id]!,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  const tokenizer = {
    version: "1.0",
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      unk_token: "<unk>",
      vocab: Object.fromEntries(letters.map((letter, id) => [letter, id])),
      merges: [],
    },
  };
  const chat_template =
    "{% for message in messages %}{{ message.role[0] }}: {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}a:{% endif %}";
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(
    join(folder, "tokenizer_config.json"),
    JSON.stringify({
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: "<s>",
      eos_token: "</s>",
      chat_template,
    }),
  );
}
