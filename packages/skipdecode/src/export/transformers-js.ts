import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Decoder, WeightSource } from "@postgrad/model";

import { exportGraph } from "./export-graph.ts";
import { writeOnnx } from "./write-onnx.ts";

/** Precisions by our names, and the file that transformers.js reads each from (its `dtype`: fp32, fp16, q8, q4). */
export const exportFiles = {
  fp32: "model.onnx",
  fp16: "model_fp16.onnx",
  int8: "model_quantized.onnx",
  int4: "model_q4.onnx",
} as const;

/** What an export is made of. */
export interface TransformersJsOptions {
  readonly decoder: Decoder;
  /** `config.json` of the checkpoint, as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The weights of each precision that is wanted. */
  readonly weights: Partial<Readonly<Record<keyof typeof exportFiles, WeightSource>>>;
  /** Other files of the checkpoint by name, such as `tokenizer.json` and `generation_config.json`, as they are. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Folder to write to; made where it is missing. */
  readonly out: string;
  /** Bytes of weights from which they lie in a file of their own; default 1 GiB. */
  readonly inlineLimit?: number;
}

/**
 * Writes an ordinary ONNX model, cache as inputs and outputs, in the layout of transformers.js: `config.json` and what else
 * the checkpoint has, `onnx/model.onnx` and its quantised variants.
 */
export async function exportTransformersJs(options: TransformersJsOptions): Promise<void> {
  const { decoder, config, weights, files = new Map<string, Uint8Array>(), out } = options;
  await mkdir(out, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(out, name), bytes);
  const apart: Record<string, boolean> = {};
  for (const [format, source] of Object.entries(weights)) {
    const file = exportFiles[format as keyof typeof exportFiles];
    const graph = exportGraph(decoder, source);
    apart[file] = await writeOnnx(graph, join(out, "onnx", file), options.inlineLimit);
  }
  const described = { ...config, "transformers.js_config": { use_external_data_format: apart } };
  await writeFile(join(out, "config.json"), `${JSON.stringify(described, null, 2)}\n`);
}
