import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { loadWeights, openCheckpoint } from "@postgrad/model";
import { exportTransformersJs } from "@postgrad/skipdecode/export";
import { Type } from "typebox";

import { defineCommand } from "./command.ts";
import { checkpointOf } from "./engine-options.ts";
import { pathOf } from "./paths.ts";

/** What a checkpoint has beside weights and configuration, where it has it. */
const companions = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
  "chat_template.jinja",
];

const Precision = Type.Enum(["fp32", "fp16", "int8", "int4"]);

export const exportModel = defineCommand({
  name: "export",
  summary: "writes a checkpoint as an ordinary ONNX model that transformers.js loads",
  example:
    "postgrad export --model DIR --format transformers.js --dtype fp32 --dtype int4 --out DIR",
  positionals: [],
  options: Type.Object(
    {
      model: Type.String({
        description: "folder of a checkpoint in the Hugging Face layout, or a hub id",
      }),
      format: Type.Enum(["transformers.js"], {
        default: "transformers.js",
        description: "whose layout",
      }),
      dtype: Type.Array(Precision, { default: ["fp32"], description: "precisions to write" }),
      out: Type.String({ description: "folder to write" }),
    },
    { additionalProperties: false },
  ),
  run: async ({ model, dtype, out }, context) => {
    await using checkpoint = await openCheckpoint(checkpointOf(model, context));
    const { decoder, config, folder } = checkpoint;
    const weights = Object.fromEntries(
      await Promise.all(
        dtype.map(async (format) => [format, await loadWeights(checkpoint, { format })] as const),
      ),
    );
    const files = new Map<string, Uint8Array>();
    for (const name of companions) {
      const bytes = await readFile(join(folder, name)).catch(() => undefined);
      if (bytes) files.set(name, bytes);
    }
    const target = pathOf(context, out);
    await exportTransformersJs({ decoder, config, weights, files, out: target });
    context.output.result({ path: target, dtypes: dtype }, `${target}: ${dtype.join(", ")}`);
  },
});
