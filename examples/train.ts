// From a checkpoint and pairs to a better checkpoint, on ONNX Runtime: a random Llama of two layers learns a preference.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { decoderOf, writeSafetensors } from "@postgrad/model";
import { random } from "@postgrad/schema";
import { train } from "@postgrad/train";

// 1. a checkpoint folder in the Hugging Face layout; any of the supported families will do
const folder = mkdtempSync(join(tmpdir(), "postgrad-train-"));
const config = {
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 64,
  max_position_embeddings: 64,
};
const tensors = [...decoderOf(config).tensors].map(([name, shape]) => {
  const draw = random(name);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () =>
    shape.length === 1 ? 1 : draw() - 0.5,
  );
  return { name, dtype: "F32", shape, data: () => new Uint8Array(data.buffer) };
});
writeFileSync(join(folder, "config.json"), JSON.stringify(config));
await writeSafetensors(join(folder, "model.safetensors"), tensors);

// 2. pairs, tokenised already: the better answer repeats the question's last token
const rows = Array.from({ length: 16 }, (_, i) => ({
  prompt_ids: [1, 4 + i, 20 + i],
  chosen_ids: [20 + i, 20 + i, 2],
  rejected_ids: [50, 51, 2],
}));

// 3. DPO
const { metrics } = await train(
  {
    model: folder,
    out: join(folder, "dpo"),
    loss: "dpo",
    beta: 0.1,
    lr: 0.003,
    epochs: 10,
    threads: 1,
  },
  { rows },
);
console.log(`accuracy ${metrics!["rewards/accuracies"]}`);
console.log(`margin above 1: ${metrics!["rewards/margins"]! > 1}`);
rmSync(folder, { recursive: true });
