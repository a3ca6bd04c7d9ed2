import { once } from "node:events";

import { openModelInWorker, serve as serveEngine } from "@postgrad/skipdecode/server";
import { Type } from "typebox";

import { defineCommand } from "./command.ts";
import { checkpointOf, modelOptions, modelSettings } from "./engine-options.ts";

export const serve = defineCommand({
  name: "serve",
  summary: "serves a checkpoint as the OpenAI API does, until Ctrl-C",
  example: "postgrad serve --model DIR --port 8080 --speedup 2",
  positionals: [],
  options: Type.Object(
    {
      ...modelOptions,
      host: Type.String({
        default: "127.0.0.1",
        description: "address to listen on; the default is reached from this machine only",
      }),
      port: Type.Integer({
        default: 8080,
        minimum: 0,
        maximum: 65_535,
        description: "0 takes a free one",
      }),
      speedup: Type.Optional(
        Type.Number({ minimum: 1, description: "skip schedule with this speed-up by layer count" }),
      ),
      exact: Type.Boolean({
        default: false,
        description: "the full model's own output: the schedule only drafts",
      }),
      modelName: Type.Optional(
        Type.String({ description: "name of the model in requests (default: the folder's)" }),
      ),
      maxNewTokens: Type.Optional(
        Type.Integer({ minimum: 1, description: "tokens of one answer at most" }),
      ),
    },
    { additionalProperties: false },
  ),
  // The key is read from the environment, so that it shows up in no list of processes.
  run: async ({ model, threads, dtype, speedup, modelName, maxNewTokens, ...options }, context) => {
    const settings = modelSettings({ dtype, ...(threads !== undefined && { threads }) });
    await using engine = await openModelInWorker(checkpointOf(model, context), settings);
    const apiKey = process.env["POSTGRAD_API_KEY"];
    await using server = await serveEngine(engine, {
      ...options,
      ...(speedup !== undefined && { speedup }),
      ...(modelName !== undefined && { modelName }),
      ...(maxNewTokens !== undefined && { maxNewTokens }),
      ...(apiKey && { apiKey }),
      onError: (error) => context.output.note(`postgrad: ${String(error)}`),
    });
    const text = `${engine.name} at ${server.url}/v1${apiKey ? " (with POSTGRAD_API_KEY)" : ""}; Ctrl-C stops it`;
    context.output.result({ url: server.url }, text);
    if (!context.signal.aborted) await once(context.signal, "abort");
  },
});
