import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AutoModelForCausalLM, env, Tensor } from "@huggingface/transformers";
import { decoderOf, storedWeights } from "@postgrad/model";
import { random } from "@postgrad/schema";
import { collect, openEngine } from "@postgrad/skipdecode";
import { exportTransformersJs } from "@postgrad/skipdecode/export";
import { expect, test } from "vitest";

const config = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 64,
  max_position_embeddings: 128,
  eos_token_id: 63,
};

test("transformers.js loads an export and gives the same tokens", { timeout: 60_000 }, async () => {
  const decoder = decoderOf(config);
  const weights = storedWeights(decoder, (name) => {
    const next = random(name);
    const size = decoder.tensors.get(name)!.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: size }, () => 0.6 * (next() - 0.5));
    return { type: "float32", data: new Uint8Array(data.buffer) };
  });
  const folder = await mkdtemp(join(tmpdir(), "postgrad-transformers-js-"));
  await exportTransformersJs({
    decoder,
    config,
    weights: { fp32: weights },
    out: join(folder, "tiny"),
  });

  const ids = [5, 9, 33, 2];
  await using engine = await openEngine({ decoder, weights });
  const { rows } = await collect(engine.generate({ rows: [{ prompt: ids, maxNewTokens: 12 }] }));

  env.allowRemoteModels = false;
  env.localModelPath = folder;
  const model = await AutoModelForCausalLM.from_pretrained("tiny", {
    dtype: "fp32",
    device: "cpu",
  });
  const tensor = (values: number[]): Tensor =>
    new Tensor("int64", values.map(BigInt), [1, ids.length]);
  const given = (await model.generate({
    inputs: tensor(ids),
    attention_mask: tensor(ids.map(() => 1)),
    max_new_tokens: 12,
    min_new_tokens: 12,
    do_sample: false,
  })) as Tensor;
  await model.dispose();
  await rm(folder, { recursive: true });
  expect(Array.from(given.data as BigInt64Array, Number).slice(ids.length)).toEqual(
    rows[0]!.tokens,
  );
});
