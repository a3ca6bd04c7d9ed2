/** A tiny checkpoint is written, opened, quantised, and the graph of two of its layers is described. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  decoderOf,
  layersGraph,
  loadWeights,
  openCheckpoint,
  toOnnx,
  writeSafetensors,
} from "@postgrad/model";

const folder = await mkdtemp(join(tmpdir(), "postgrad-"));
process.env["POSTGRAD_CACHE"] = join(folder, "cache");

const config = {
  model_type: "llama",
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  tie_word_embeddings: true,
};
await writeFile(join(folder, "config.json"), JSON.stringify(config));
const tensors = [...decoderOf(config).tensors].map(([name, shape]) => {
  const count = shape.reduce((product, length) => product * length, 1);
  const values = Float32Array.from({ length: count }, (_, index) => Math.sin(index));
  return { name, dtype: "F32", shape, data: () => new Uint8Array(values.buffer) };
});
await writeSafetensors(join(folder, "model.safetensors"), tensors);

await using checkpoint = await openCheckpoint(folder); // or an id on the hub: "HuggingFaceTB/SmolLM2-135M"
const weights = await loadWeights(checkpoint, { format: "int4" });
const graph = layersGraph(checkpoint.decoder, weights, { from: 0, to: 2 });
const { bytes, folder: weightFolder } = toOnnx(graph); // for InferenceSession.create

const { family, layers, heads, kvHeads, headDim } = checkpoint.decoder;
console.log({ family, layers, heads, kvHeads, headDim });
console.log(`two layers: ${bytes.length} bytes, weights in ${weightFolder?.replace(folder, "")}`);
for (const { name, shape } of graph.inputs) console.log(`in  ${name} [${shape.join(", ")}]`);
for (const { name, shape } of graph.outputs) console.log(`out ${name} [${shape.join(", ")}]`);
await rm(folder, { recursive: true });
