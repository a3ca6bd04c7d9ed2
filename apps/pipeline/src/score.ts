import { PostgradError } from "@postgrad/schema";
import { openModel } from "@postgrad/skipdecode";
import { Type } from "typebox";

import { defineCommand } from "./command.ts";
import { idsOf, modelOptions, modelSettings, checkpointOf } from "./engine-options.ts";

export const score = defineCommand({
  name: "score",
  summary: "gives the log-probability of each token of a text under a checkpoint",
  example: 'postgrad score --model DIR --ids "1 5 7 9" --json',
  positionals: [],
  options: Type.Object(
    {
      ...modelOptions,
      prompt: Type.Optional(Type.Array(Type.String(), { description: "text to score" })),
      ids: Type.Optional(
        Type.Array(Type.String(), { description: 'token ids to score, e.g. "1 5 7"' }),
      ),
      layers: Type.Optional(
        Type.String({ description: "runs through these layers only, e.g. 0,1,6,7" }),
      ),
      logits: Type.Boolean({ default: false, description: "also the logits after the last token" }),
    },
    { additionalProperties: false },
  ),
  run: async ({ model, threads, dtype, prompt = [], ids = [], layers, logits }, context) => {
    const settings = modelSettings({ dtype, ...(threads !== undefined && { threads }) });
    await using engine = await openModel(checkpointOf(model, context), settings);
    const { tokenizer } = engine;
    if (prompt.length > 0 && !tokenizer) {
      throw new PostgradError(
        "cli/tokenizer",
        `${engine.name} has no tokenizer.json: give token ids with --ids instead of --prompt`,
      );
    }
    const texts = [
      ...prompt.map((text) => [...(tokenizer!.begin ?? []), ...tokenizer!.encode(text)]),
      ...ids.map(idsOf),
    ];
    if (texts.length === 0)
      throw new PostgradError("cli/missing", "--prompt or --ids is missing: what is to be scored?");
    const scored = await engine.score(
      texts.map(([first, ...rest]) => ({
        prompt: first === undefined ? [] : [first],
        continuations: [rest],
      })),
      { logits, signal: context.signal, ...(layers !== undefined && { layers: idsOf(layers) }) },
    );
    const rows = scored.map(([row]) => ({
      logprobs: row!.logprobs,
      sum: row!.sum,
      ...(row!.logits && { logits: [...row!.logits] }),
    }));
    const lines = rows.map(
      ({ logprobs, sum }) =>
        `${sum.toFixed(4)}  (${logprobs.map((value) => value.toFixed(3)).join(" ")})`,
    );
    context.output.result({ rows }, lines.join("\n"));
  },
});
