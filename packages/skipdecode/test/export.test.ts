import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";

import { exportTransformersJs } from "../src/export/index.ts";
import { argmax, collect } from "../src/index.ts";
import { engineOn, randomCheckpoint, tinyLlama } from "./checkpoints.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "postgrad-export-"));
});
afterAll(() => rm(folder, { recursive: true }));

const int64 = (values: number[]): ort.Tensor =>
  new ort.Tensor("int64", values.map(BigInt), [1, values.length]);

/** Greedy decoding as transformers.js does it: the whole cache out of each step and into the next. */
async function greedy(path: string, prompt: number[], count: number): Promise<number[]> {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  const caches = session.inputMetadata.filter(({ name }) => name.startsWith("past_key_values"));
  let feeds: Record<string, ort.Tensor> = Object.fromEntries(
    caches.map((input) => {
      const shape = input.isTensor ? input.shape : [];
      return [
        input.name,
        new ort.Tensor("float32", [], [1, Number(shape[1]), 0, Number(shape[3])]),
      ];
    }),
  );
  const tokens: number[] = [];
  for (let read = prompt, past = 0; tokens.length < count; read = [tokens.at(-1)!]) {
    const total = past + read.length;
    const outputs = await session.run({
      ...feeds,
      input_ids: int64(read),
      position_ids: int64(read.map((_, i) => past + i)),
      attention_mask: int64(Array.from({ length: total }, () => 1)),
    });
    feeds = Object.fromEntries(
      caches.map(({ name }) => [name, outputs[name.replace("past_key_values", "present")]!]),
    );
    const logits = outputs["logits"]!.data as Float32Array;
    tokens.push(argmax(logits.subarray(logits.length - logits.length / read.length)));
    past = total;
  }
  await session.release();
  return tokens;
}

test.each([
  ["Llama in one file", () => tinyLlama(), 2 ** 30],
  ["Llama with weights apart", () => tinyLlama(), 0],
  ["Mistral with a window", () => tinyMistral(), 2 ** 30],
  ["OPT", () => tinyOpt(), 2 ** 30],
])("%s gives the same tokens from its export", async (name, make, inlineLimit) => {
  const checkpoint = make();
  const out = join(folder, name);
  const files = new Map([["tokenizer.json", new TextEncoder().encode("{}")]]);
  const config = { model_type: "any" };
  await exportTransformersJs({
    ...checkpoint,
    weights: { fp32: checkpoint.weights },
    config,
    files,
    out,
    inlineLimit,
  });
  const engine = await engineOn(checkpoint);
  const prompt = [5, 9, 33, 2];
  const { rows } = await collect(engine.generate({ rows: [{ prompt, maxNewTokens: 12 }] }));
  await engine.dispose();
  expect(await greedy(join(out, "onnx/model.onnx"), prompt, 12)).toEqual(rows[0]!.tokens);
  expect(await readdir(out)).toEqual(["config.json", "onnx", "tokenizer.json"]);
  expect(JSON.parse(await readFile(join(out, "config.json"), "utf8"))).toEqual({
    ...config,
    "transformers.js_config": { use_external_data_format: { "model.onnx": inlineLimit === 0 } },
  });
});

const tinyMistral = () =>
  randomCheckpoint(
    {
      model_type: "mistral",
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 64,
      max_position_embeddings: 64,
      sliding_window: 5,
    },
    2,
  );

const tinyOpt = () =>
  randomCheckpoint(
    {
      model_type: "opt",
      hidden_size: 32,
      word_embed_proj_dim: 32,
      ffn_dim: 48,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      vocab_size: 64,
      max_position_embeddings: 64,
    },
    2,
  );
