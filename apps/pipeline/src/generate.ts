import { PostgradError } from "@postgrad/schema";
import {
  collect,
  type Engine,
  type GeneratedRow,
  type GenerateEvent,
  type GenerateRow,
  openModel,
} from "@postgrad/skipdecode";
import { Type } from "typebox";

import { type Context, defineCommand } from "./command.ts";
import {
  depthOf,
  depthOptions,
  idsOf,
  modelOptions,
  modelSettings,
  checkpointOf,
} from "./engine-options.ts";

const options = Type.Object(
  {
    ...modelOptions,
    prompt: Type.Optional(Type.Array(Type.String(), { description: "text to go on from" })),
    ids: Type.Optional(
      Type.Array(Type.String(), { description: 'token ids to go on from, e.g. "1 5 7"' }),
    ),
    chat: Type.Boolean({
      default: false,
      description: "the prompt is a user's turn of the checkpoint's chat template",
    }),
    maxNewTokens: Type.Integer({
      default: 64,
      minimum: 1,
      description: "tokens to choose at most",
    }),
    ...depthOptions,
    temperature: Type.Number({ default: 0, minimum: 0, description: "0 is greedy" }),
    topK: Type.Optional(
      Type.Integer({ minimum: 1, description: "draws from so many most likely tokens" }),
    ),
    topP: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description: "draws from the most likely tokens of this mass",
      }),
    ),
    minP: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: "leaves out tokens below this share of the likeliest",
      }),
    ),
    repetitionPenalty: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: "above 1: against tokens that have occurred",
      }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "seed of the first row; row n is drawn with seed + n",
      }),
    ),
    stop: Type.Optional(Type.Array(Type.String(), { description: "text that ends the output" })),
    ignoreEos: Type.Boolean({ default: false, description: "go on past the model's end token" }),
  },
  { additionalProperties: false },
);

export const generate = defineCommand({
  name: "generate",
  summary: "generates text with a checkpoint, at full depth or by a skip schedule",
  example:
    'postgrad generate --model DIR --prompt "Once upon a time" --max-new-tokens 32 --speedup 2',
  positionals: [],
  options,
  run: async (
    {
      model,
      threads,
      dtype,
      prompt = [],
      ids = [],
      chat,
      maxNewTokens,
      skip,
      speedup,
      exact,
      seed,
      ...rest
    },
    context,
  ) => {
    const settings = modelSettings({ dtype, ...(threads !== undefined && { threads }) });
    await using engine = await openModel(checkpointOf(model, context), settings);
    const prompts = [...prompt.map((text) => encode(engine, text, chat)), ...ids.map(idsOf)];
    if (prompts.length === 0)
      throw new PostgradError(
        "cli/missing",
        "--prompt or --ids is missing: what is to be gone on from?",
      );
    const rows: GenerateRow[] = prompts.map((tokens, row) => ({
      ...rest,
      prompt: tokens,
      maxNewTokens,
      logprobs: 0,
      ...(seed !== undefined && { seed: seed + row }),
    }));
    const depth = depthOf(
      { ...(skip !== undefined && { skip }), ...(speedup !== undefined && { speedup }), exact },
      engine,
      maxNewTokens,
    );
    const events = engine.generate({ rows, ...depth, signal: context.signal });
    const { rows: done, timing } = await collect(
      streamed(events, rows.length === 1, engine, context),
    );
    print(done, timing, engine, context);
  },
});

function encode({ tokenizer, name }: Engine, text: string, chat: boolean): number[] {
  if (!tokenizer)
    throw new PostgradError(
      "cli/tokenizer",
      `${name} has no tokenizer.json: give token ids with --ids instead of --prompt`,
    );
  if (!chat) return [...(tokenizer.begin ?? []), ...tokenizer.encode(text)];
  if (!tokenizer.chat)
    throw new PostgradError("cli/chat", `${name} has no chat template: leave --chat out`);
  return tokenizer.encode(tokenizer.chat.render([{ role: "user", content: text }]));
}

/** Hands the events on; the text of a single row is written as it comes. */
async function* streamed(
  events: AsyncIterable<GenerateEvent>,
  isSingle: boolean,
  { tokenizer }: Engine,
  { output }: Context,
): AsyncGenerator<GenerateEvent> {
  for await (const event of events) {
    if (isSingle && tokenizer) output.write(event.text);
    yield event;
  }
}

function print(
  rows: readonly GeneratedRow[],
  timing: object,
  { tokenizer }: Engine,
  { output }: Context,
): void {
  const drafts = rows.flatMap((row) => (row.drafts ? [row.drafts] : []));
  const value = {
    tokens: rows.map(({ tokens }) => tokens),
    text: rows.map(({ text }) => text),
    logprobs: rows.map(({ logprobs }) => logprobs),
    layers: rows.map(({ layers }) => layers),
    timing,
    ...(drafts.length > 0 && { drafts }),
  };
  const texts = tokenizer
    ? rows.length === 1
      ? [""]
      : rows.map(({ text }) => text)
    : rows.map(({ tokens }) => tokens.join(" "));
  output.result(value, texts.join("\n"));
}
