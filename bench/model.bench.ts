// Numbers per second that are quantised (read, converted, written), and one step of attention over a cache: composed, as
// the decode graphs have it, and by the runtime's GroupQueryAttention. Width 2048, 32 heads, 8 of keys and values.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  decoderOf,
  GraphBuilder,
  loadWeights,
  openCheckpoint,
  toOnnx,
  type Value,
  type WeightFormat,
  writeSafetensors,
} from "@postgrad/model";
import { random } from "@postgrad/schema";
import * as ort from "onnxruntime-node";

import { type Figure, rate, report } from "./measure.ts";

const [heads, kvHeads, headDim] = [32, 8, 64];
const group = heads / kvHeads;
const folder = await mkdtemp(join(tmpdir(), "postgrad-bench-"));

/** A checkpoint of one wide layer in float32. */
async function checkpointOf(): Promise<number> {
  const sizes = { hidden_size: heads * headDim, intermediate_size: 8192, vocab_size: 1000 };
  const shape = { num_hidden_layers: 1, num_attention_heads: heads, num_key_value_heads: kvHeads };
  const config = { model_type: "llama", tie_word_embeddings: true, ...sizes, ...shape };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const draw = random("weights");
  let count = 0;
  const tensors = [...decoderOf(config).tensors].map(([name, dimensions]) => {
    const values = new Float32Array(dimensions.reduce((product, length) => product * length, 1));
    count += values.length;
    for (let index = 0; index < values.length; index++) values[index] = draw() - 0.5;
    return { name, dtype: "F32", shape: dimensions, data: () => new Uint8Array(values.buffer) };
  });
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
  return count;
}

async function conversion(
  format: WeightFormat,
  symmetric: boolean,
  count: number,
): Promise<Figure> {
  const cacheFolder = join(folder, "cache");
  return rate(
    `${format}, ${symmetric ? "symmetric" : "asymmetric"}`,
    count / 1e6,
    "million numbers",
    async () => {
      await rm(join(cacheFolder, "weights"), { recursive: true, force: true });
      await using checkpoint = await openCheckpoint(folder);
      await loadWeights(checkpoint, { format, symmetric, cacheFolder });
    },
    3,
  );
}

/** Inputs of one new token over `past` positions, all of them visible. */
async function attention(
  name: string,
  past: number,
  build: (builder: GraphBuilder) => Value,
): Promise<Figure> {
  const builder = new GraphBuilder(name);
  builder.output("seen", build(builder));
  const graph = builder.finish();
  const session = await ort.InferenceSession.create(toOnnx(graph).bytes, {
    intraOpNumThreads: 2,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  const feeds = Object.fromEntries(graph.inputs.map((value) => [value.name, filled(value, past)]));
  const steps = 200;
  const figure = await rate(`${name}, ${past} positions`, steps, "steps", async () => {
    for (let step = 0; step < steps; step++) await session.run(feeds);
  });
  await session.release();
  return figure;
}

function filled({ type, shape }: Value, past: number): ort.Tensor {
  const dims = shape.map(Number);
  const count = dims.reduce((product, length) => product * length, 1);
  if (type === "int32")
    return new ort.Tensor(
      "int32",
      new Int32Array(count).fill(dims.length === 0 ? past : past - 1),
      dims,
    );
  return new ort.Tensor(
    Float32Array.from({ length: count }, (_, index) => Math.sin(index)),
    dims,
  );
}

const composed =
  (past: number) =>
  (builder: GraphBuilder): Value => {
    const float = (name: string, shape: readonly number[]): Value =>
      builder.input(name, "float32", shape);
    const fused = { domain: "com.microsoft" } as const;
    const query = float("query", [1, kvHeads, group, headDim]);
    const keys = float("past_key", [past, 1, kvHeads, headDim]);
    const values = float("past_value", [past, 1, kvHeads, headDim]);
    const scores = builder.node("FusedMatMul", [query, keys], { transBatchB: 1, transB: 1 }, fused);
    const weights = builder.node("Softmax", [builder.add(scores, float("mask", [1, 1, 1, past]))], {
      axis: -1,
    });
    return builder.node("FusedMatMul", [weights, values], { transBatchB: 1 }, fused);
  };

const groupQuery =
  (past: number) =>
  (builder: GraphBuilder): Value => {
    const token = (name: string, width: number): Value =>
      builder.input(name, "float32", [1, 1, width]);
    const cache = (name: string): Value =>
      builder.input(name, "float32", [1, kvHeads, past, headDim]);
    const present = { type: "float32", shape: [1, kvHeads, past, headDim] } as const;
    const inputs = [
      token("query", heads * headDim),
      token("key", kvHeads * headDim),
      token("value", kvHeads * headDim),
      cache("past_key"),
      cache("past_value"),
      builder.input("seqlens_k", "int32", [1]),
      builder.input("total", "int32", []),
    ];
    const outputs = [
      { type: "float32", shape: [1, 1, heads * headDim] } as const,
      present,
      present,
    ];
    const attributes = { num_heads: heads, kv_num_heads: kvHeads };
    return builder.node("GroupQueryAttention", inputs, attributes, {
      domain: "com.microsoft",
      outputs,
    });
  };

try {
  const count = await checkpointOf();
  report("model", [
    await conversion("int4", true, count),
    await conversion("int4", false, count),
    await conversion("int8", true, count),
    await attention("composed", 64, composed(64)),
    await attention("GroupQueryAttention", 64, groupQuery(64)),
    await attention("composed", 512, composed(512)),
    await attention("GroupQueryAttention", 512, groupQuery(512)),
    await attention("composed", 2048, composed(2048)),
    await attention("GroupQueryAttention", 2048, groupQuery(2048)),
  ]);
} finally {
  await rm(folder, { recursive: true });
}
