// @huggingface/transformers on an ordinary ONNX export of the same shape, on onnxruntime-node.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AutoModelForCausalLM, env, Tensor } from "@huggingface/transformers";
import { decoderOf } from "@postgrad/model";
import { exportTransformersJs } from "@postgrad/skipdecode/export";

import { randomWeights } from "./random-weights.ts";
import { shapes } from "./shapes.ts";
import { best, reply, task } from "./task.ts";

const { shape, format, threads, prompt, generated, rounds } = task();
const folder = mkdtempSync(join(tmpdir(), "postgrad-bench-"));
const config = shapes[shape]!;
const decoder = decoderOf(config);
{
  using weights = randomWeights(decoder, format);
  await exportTransformersJs({
    decoder,
    config,
    weights: { [format]: weights.source },
    out: join(folder, "model"),
  });
}
env.allowRemoteModels = false;
env.localModelPath = folder;
const model = await AutoModelForCausalLM.from_pretrained("model", {
  dtype: format === "fp32" ? "fp32" : "q4",
  device: "cpu",
  local_files_only: true,
  session_options: { intraOpNumThreads: threads },
});
const ids = BigInt64Array.from({ length: prompt }, (_, i) => BigInt(5 + i));
const generate = async (count: number): Promise<void> => {
  await model.generate({
    inputs: new Tensor("int64", ids, [1, prompt]),
    attention_mask: new Tensor(
      "int64",
      ids.map(() => 1n),
      [1, prompt],
    ),
    max_new_tokens: count,
    min_new_tokens: count,
    do_sample: false,
  });
};
// The time of the prompt is taken off by a run of one token.
const decodeMs = await best(rounds, async () => {
  const start = performance.now();
  await generate(1);
  const first = performance.now();
  await generate(generated + 1);
  return (performance.now() - first - (first - start)) / generated;
});
await model.dispose();
rmSync(folder, { recursive: true });
reply({ decodeMs });
