// node-llama-cpp (its prebuilt CPU binary) on a GGUF of the same shape and bits.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { decoderOf } from "@postgrad/model";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";

import { writeGguf } from "./gguf.ts";
import { shapes } from "./shapes.ts";
import { best, reply, task } from "./task.ts";

const { shape, format, threads, prompt, generated, rounds } = task();
const folder = mkdtempSync(join(tmpdir(), "postgrad-bench-"));
const modelPath = join(folder, "model.gguf");
writeGguf(modelPath, decoderOf(shapes[shape]!), shapes[shape]!, format);
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  maxThreads: threads,
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 512, threads });
const sequence = context.getSequence();
const ids = Array.from({ length: prompt }, (_, i) => (300 + i) as Token);
const decodeMs = await best(rounds, async () => {
  await sequence.clearHistory();
  const tokens = sequence.evaluate(ids, { temperature: 0, yieldEogToken: true });
  await tokens.next(); // the first token comes from the prompt
  const start = performance.now();
  for (let count = 0; count < generated; count++) await tokens.next();
  const taken = performance.now() - start;
  await tokens.return();
  return taken / generated;
});
await llama.dispose();
rmSync(folder, { recursive: true });
reply({ decodeMs });
