import { type Static, Type } from "typebox";

import type { GenerateEvent, GenerateRow, TokenLogprob } from "../generate.ts";
import { TextStream } from "../text-stream.ts";
import {
  checkModel,
  newTokens,
  type Reply,
  type ServerContext,
  tokenText,
  usage,
} from "./context.ts";
import { HttpError } from "./http-error.ts";
import { depthOf, parsed, samplingOf, sharedFields } from "./request-fields.ts";

/** The body of `/v1/completions`. */
const CompletionBody = Type.Object(
  {
    ...sharedFields,
    prompt: Type.Union([
      Type.String(),
      Type.Array(Type.String(), { minItems: 1 }),
      Type.Array(Type.Integer(), { minItems: 1 }),
      Type.Array(Type.Array(Type.Integer()), { minItems: 1 }),
    ]),
    echo: Type.Optional(Type.Boolean()),
    logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
  },
  { additionalProperties: false },
);
type CompletionBody = Static<typeof CompletionBody>;

/** Answers `/v1/completions`. */
export async function completions(
  body: unknown,
  context: ServerContext,
  signal: AbortSignal,
): Promise<Reply> {
  const fields = parsed(CompletionBody, body);
  checkModel(fields.model, context);
  const { n = 1, max_tokens: asked = 16, echo = false } = fields;
  const prompts = promptsOf(fields, context);
  if (asked === 0 && !echo) {
    const message = "max_tokens is 0, which gives an answer only with echo";
    throw new HttpError(400, "invalid_value", message, { param: "max_tokens" });
  }
  const choices = prompts.flatMap((prompt) => Array.from({ length: n }, () => prompt));
  const echoes = echo ? await echoesOf(prompts, fields, context, signal) : [];
  const events =
    asked === 0
      ? nothing()
      : context.queue.run(rowsOf(choices, fields, context), depthOf(fields, context.depth), signal);
  const all: Completion = {
    fields,
    context,
    choices,
    echoes: choices.map((_, i) => echoes[Math.floor(i / n)]),
    prompts,
  };
  return fields.stream ? { events: chunks(events, all) } : { body: await completion(events, all) };
}

async function* nothing(): AsyncGenerator<GenerateEvent> {}

interface Completion {
  readonly fields: CompletionBody;
  readonly context: ServerContext;
  readonly prompts: readonly (readonly number[])[];
  /** The prompt of each choice. */
  readonly choices: readonly (readonly number[])[];
  readonly echoes: readonly (Echo | undefined)[];
}

function promptsOf({ prompt }: CompletionBody, { model }: ServerContext): number[][] {
  const { tokenizer } = model;
  const encoded = (text: string): number[] => [
    ...(tokenizer.begin ?? []),
    ...tokenizer.encode(text),
  ];
  if (typeof prompt === "string") return [encoded(prompt)];
  if (prompt.every((one) => typeof one === "number")) return [prompt];
  return prompt.map((one) => (typeof one === "string" ? encoded(one) : one));
}

function rowsOf(
  choices: Completion["choices"],
  fields: CompletionBody,
  context: ServerContext,
): GenerateRow[] {
  const sampling = samplingOf(fields, context.newSeed);
  return choices.map((prompt, i) => ({
    ...sampling,
    seed: sampling.seed + i,
    prompt,
    maxNewTokens: newTokens(fields.max_tokens ?? 16, prompt.length, context),
    logprobs: fields.logprobs ?? false,
  }));
}

/** A prompt that is part of the answer. */
interface Echo {
  readonly text: string;
  readonly tokens: readonly number[];
  /** One per token; undefined for the first, which nothing precedes. */
  readonly likelihoods: readonly (Likelihood | undefined)[];
}

interface Likelihood {
  readonly logprob: number;
  readonly top: readonly TokenLogprob[];
}

async function echoesOf(
  prompts: Completion["prompts"],
  { logprobs }: CompletionBody,
  { model }: ServerContext,
  signal: AbortSignal,
): Promise<Echo[]> {
  const { engine, tokenizer } = model;
  const rows = prompts.map((prompt) => ({
    prompt: prompt.slice(0, 1),
    continuations: [prompt.slice(1)],
  }));
  const scored = logprobs === undefined ? [] : await engine.score(rows, { top: logprobs, signal });
  return prompts.map((tokens, i) => {
    const found = scored[i]?.[0];
    const likelihoods = found?.logprobs.map((logprob, at) => ({
      logprob,
      top: found.top[at] ?? [],
    }));
    return {
      text: tokenizer.decode(tokens),
      tokens,
      likelihoods: [undefined, ...(likelihoods ?? [])],
    };
  });
}

/** The four parallel lists that plain completions report, continued as tokens come. */
class Likelihoods {
  readonly #context: ServerContext;
  readonly #stream: TextStream;
  #offset = 0;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#stream = new TextStream(context.model.tokenizer);
  }

  report(tokens: readonly number[], likelihoods: readonly (Likelihood | undefined)[]): object {
    const { model } = this.#context;
    const text = (token: number): string => tokenText(model, token);
    return {
      tokens: tokens.map(text),
      token_logprobs: likelihoods.map((one) => one?.logprob ?? null),
      top_logprobs: likelihoods
        .map(
          (one) =>
            one && Object.fromEntries(one.top.map(({ token, logprob }) => [text(token), logprob])),
        )
        .map((one) => one ?? null),
      text_offset: tokens.map((token) => {
        const offset = this.#offset;
        this.#offset += this.#stream.push(token).text.length;
        return offset;
      }),
    };
  }
}

const head = (context: ServerContext): object => ({
  id: `cmpl-${context.newId()}`,
  object: "text_completion",
  created: context.now(),
  model: context.modelName,
});

const promptTokens = ({ prompts }: Completion): number =>
  prompts.reduce((sum, { length }) => sum + length, 0);

async function completion(events: AsyncIterable<GenerateEvent>, all: Completion): Promise<object> {
  const { fields, context, echoes } = all;
  const answers = all.choices.map((_, i) => ({
    text: echoes[i]?.text ?? "",
    tokens: [...(echoes[i]?.tokens ?? [])],
    likelihoods: [...(echoes[i]?.likelihoods ?? [])],
    finish: "length",
  }));
  let tokens = 0;
  for await (const event of events) {
    const answer = answers[event.row]!;
    answer.text += event.text;
    if (event.type === "finish") {
      answer.finish = event.reason === "abort" ? "stop" : event.reason;
      continue;
    }
    tokens++;
    answer.tokens.push(event.token);
    answer.likelihoods.push(
      event.logprob === undefined ? undefined : { logprob: event.logprob, top: event.top ?? [] },
    );
  }
  return {
    ...head(context),
    choices: answers.map((answer, index) => ({
      index,
      text: answer.text,
      logprobs:
        fields.logprobs === undefined
          ? null
          : new Likelihoods(context).report(answer.tokens, answer.likelihoods),
      finish_reason: answer.finish,
    })),
    usage: usage(promptTokens(all), tokens),
  };
}

async function* chunks(
  events: AsyncIterable<GenerateEvent>,
  all: Completion,
): AsyncGenerator<object> {
  const { fields, context, echoes, choices } = all;
  const common = head(context);
  const likelihoods = choices.map(() => new Likelihoods(context));
  const chunk = (
    index: number,
    text: string,
    finish: string | null,
    found?: readonly [readonly number[], readonly (Likelihood | undefined)[]],
  ): object => ({
    ...common,
    choices: [
      {
        index,
        text,
        logprobs:
          found && fields.logprobs !== undefined ? likelihoods[index]!.report(...found) : null,
        finish_reason: finish,
      },
    ],
  });
  for (const [index, echo] of echoes.entries()) {
    if (echo)
      yield chunk(index, echo.text, fields.max_tokens === 0 ? "length" : null, [
        echo.tokens,
        echo.likelihoods,
      ]);
  }
  let tokens = 0;
  for await (const event of events) {
    if (event.type === "finish") {
      yield chunk(event.row, event.text, event.reason === "abort" ? "stop" : event.reason);
      continue;
    }
    tokens++;
    if (event.text === "" && event.logprob === undefined) continue;
    const likelihood =
      event.logprob === undefined ? undefined : { logprob: event.logprob, top: event.top ?? [] };
    yield chunk(event.row, event.text, null, [[event.token], [likelihood]]);
  }
  if (fields.stream_options?.include_usage) {
    yield { ...common, choices: [], usage: usage(promptTokens(all), tokens) };
  }
}
