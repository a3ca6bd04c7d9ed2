import type { Message } from "@postgrad/schema";
import { type Static, Type } from "typebox";

import { type ChatRequest, chatTurn } from "../chat/chat-turn.ts";
import { type AnswerPart, AnswerReader } from "../chat/tool-calls.ts";
import type { GenerateEvent, GenerateRow, TokenEvent } from "../generate.ts";
import {
  chatLogprob,
  checkModel,
  newTokens,
  type Reply,
  type ServerContext,
  usage,
} from "./context.ts";
import { HttpError } from "./http-error.ts";
import { depthOf, parsed, samplingOf, sharedFields } from "./request-fields.ts";

const open = Type.Record(Type.String(), Type.Unknown());
const TextPart = Type.Object({ type: Type.Literal("text"), text: Type.String() });

const ChatMessage = Type.Object({
  role: Type.Enum(["system", "developer", "user", "assistant", "tool"]),
  content: Type.Optional(Type.Union([Type.String(), Type.Array(TextPart), Type.Null()])),
  name: Type.Optional(Type.String()),
  tool_call_id: Type.Optional(Type.String()),
  tool_calls: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.Optional(Type.String()),
        type: Type.Literal("function"),
        function: Type.Object({ name: Type.String(), arguments: Type.String() }),
      }),
    ),
  ),
});

const Tool = Type.Object({
  type: Type.Literal("function"),
  function: Type.Object({
    name: Type.String({ minLength: 1 }),
    description: Type.Optional(Type.String()),
    parameters: Type.Optional(open),
    strict: Type.Optional(Type.Boolean()),
  }),
});

/** The body of `/v1/chat/completions`. */
const ChatBody = Type.Object(
  {
    ...sharedFields,
    messages: Type.Array(ChatMessage, { minItems: 1 }),
    max_completion_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
    logprobs: Type.Optional(Type.Boolean()),
    top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
    response_format: Type.Optional(
      Type.Object({
        type: Type.Enum(["text", "json_object", "json_schema"]),
        json_schema: Type.Optional(
          Type.Object({ name: Type.String(), schema: Type.Optional(open) }),
        ),
      }),
    ),
    tools: Type.Optional(Type.Array(Tool)),
    tool_choice: Type.Optional(
      Type.Union([
        Type.Enum(["none", "auto", "required"]),
        Type.Object({
          type: Type.Literal("function"),
          function: Type.Object({ name: Type.String() }),
        }),
      ]),
    ),
    parallel_tool_calls: Type.Optional(Type.Boolean()),
    store: Type.Optional(Type.Literal(false)),
    metadata: Type.Optional(open),
  },
  { additionalProperties: false },
);
type ChatBody = Static<typeof ChatBody>;

/** Answers `/v1/chat/completions`. */
export async function chatCompletions(
  body: unknown,
  context: ServerContext,
  signal: AbortSignal,
): Promise<Reply> {
  const fields = parsed(ChatBody, body);
  checkModel(fields.model, context);
  const { model, queue, depth, newSeed } = context;
  const { prompt, constraint, callable } = chatTurn(model, chatRequest(fields, context));
  const asked = fields.max_completion_tokens ?? fields.max_tokens;
  const sampling = samplingOf(fields, newSeed);
  const rows = Array.from({ length: fields.n ?? 1 }, (_, i): GenerateRow => ({
    ...sampling,
    seed: sampling.seed + i,
    prompt,
    maxNewTokens: newTokens(asked, prompt.length, context),
    logprobs: fields.logprobs ? (fields.top_logprobs ?? 0) : false,
    ...(constraint && { constraint }),
  }));
  const events = queue.run(rows, depthOf(fields, depth), signal);
  const chat: Chat = { fields, context, promptLength: prompt.length, callable, rows: rows.length };
  return fields.stream
    ? { events: chunks(events, chat) }
    : { body: await completion(events, chat) };
}

interface Chat {
  readonly fields: ChatBody;
  readonly context: ServerContext;
  readonly promptLength: number;
  readonly callable: readonly string[];
  readonly rows: number;
}

function chatRequest(fields: ChatBody, { model }: ServerContext): ChatRequest {
  const { messages, tools = [], tool_choice: choice, response_format: format } = fields;
  if (tools.length > 0 && !(model.template?.takesTools ?? false)) {
    const message = `the chat template of "${model.engine.name}" writes no tools`;
    throw new HttpError(400, "unsupported_value", message, { param: "tools" });
  }
  const schema =
    format && format.type !== "text"
      ? (format.json_schema?.schema ?? { type: "object" })
      : undefined;
  return {
    messages: messages.map(turn),
    tools: tools.map((tool) => ({
      type: "function",
      function: {
        name: tool.function.name,
        ...(tool.function.description !== undefined && { description: tool.function.description }),
        parameters: tool.function.parameters ?? { type: "object", properties: {} },
      },
    })),
    ...(choice !== undefined && {
      toolChoice: typeof choice === "object" ? { name: choice.function.name } : choice,
    }),
    ...(schema && { schema }),
  };
}

function turn({ role, content, tool_calls: calls, ...rest }: Static<typeof ChatMessage>): Message {
  const text = Array.isArray(content) ? content.map((part) => part.text).join("") : (content ?? "");
  return {
    ...rest,
    role: role === "developer" ? "system" : role,
    content: text,
    ...(calls && {
      tool_calls: calls.map((call) => ({
        ...call,
        function: { name: call.function.name, arguments: argumentsOf(call.function.arguments) },
      })),
    }),
  };
}

/** Chat templates read the arguments as an object; what is no JSON stays the text that it is. */
function argumentsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A piece of one choice: parts of the answer, likelihoods, and how it ended. */
interface Piece {
  readonly index: number;
  readonly parts: readonly AnswerPart[];
  readonly logprobs: readonly object[];
  readonly tokens: number;
  readonly finish?: string;
}

async function* pieces(events: AsyncIterable<GenerateEvent>, chat: Chat): AsyncGenerator<Piece> {
  const readers = Array.from({ length: chat.rows }, () => new AnswerReader(chat.callable));
  const hasCalls = readers.map(() => false);
  for await (const event of events) {
    const index = event.row;
    const parts = readers[index]!.push(event.text);
    if (event.type === "finish") parts.push(...readers[index]!.end());
    hasCalls[index] ||= parts.some(({ type }) => type === "call");
    const finish = hasCalls[index] ? "tool_calls" : event.type === "finish" ? event.reason : "";
    yield {
      index,
      parts,
      logprobs: event.type === "token" ? likelihoods(event, chat) : [],
      tokens: event.type === "token" ? 1 : 0,
      ...(event.type === "finish" && { finish: finish === "abort" ? "stop" : finish }),
    };
  }
}

function likelihoods({ token, logprob, top = [] }: TokenEvent, { context }: Chat): object[] {
  if (logprob === undefined) return [];
  const { model } = context;
  return [
    {
      ...chatLogprob(model, { token, logprob }),
      top_logprobs: top.map((one) => chatLogprob(model, one)),
    },
  ];
}

const toolCall = (part: Extract<AnswerPart, { type: "call" }>, id: string): object => ({
  id: `call_${id}`,
  type: "function",
  function: { name: part.name, arguments: part.arguments },
});

const head = (object: string, { context }: Chat): object => ({
  id: `chatcmpl-${context.newId()}`,
  object,
  created: context.now(),
  model: context.modelName,
});

async function completion(events: AsyncIterable<GenerateEvent>, chat: Chat): Promise<object> {
  const choices = Array.from({ length: chat.rows }, () => ({
    text: "",
    calls: [] as object[],
    logprobs: [] as object[],
    finish: "stop",
  }));
  let tokens = 0;
  for await (const piece of pieces(events, chat)) {
    const choice = choices[piece.index]!;
    tokens += piece.tokens;
    choice.logprobs.push(...piece.logprobs);
    for (const part of piece.parts) {
      if (part.type === "text") choice.text += part.text;
      else choice.calls.push(toolCall(part, chat.context.newId()));
    }
    choice.finish = piece.finish ?? choice.finish;
  }
  return {
    ...head("chat.completion", chat),
    choices: choices.map(({ text, calls, logprobs, finish }, index) => ({
      index,
      message: {
        role: "assistant",
        content: calls.length > 0 && text === "" ? null : text,
        refusal: null,
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: chat.fields.logprobs ? { content: logprobs, refusal: null } : null,
      finish_reason: finish,
    })),
    usage: usage(chat.promptLength, tokens),
  };
}

async function* chunks(events: AsyncIterable<GenerateEvent>, chat: Chat): AsyncGenerator<object> {
  const common = head("chat.completion.chunk", chat);
  const calls = Array.from({ length: chat.rows }, () => 0);
  const chunk = (
    index: number,
    delta: object,
    finish: string | null = null,
    logprobs?: readonly object[],
  ): object => ({
    ...common,
    choices: [
      {
        index,
        delta,
        logprobs: logprobs?.length ? { content: logprobs, refusal: null } : null,
        finish_reason: finish,
      },
    ],
  });
  let tokens = 0;
  for (const index of calls.keys()) yield chunk(index, { role: "assistant", content: "" });
  for await (const { index, parts, logprobs, finish, tokens: more } of pieces(events, chat)) {
    tokens += more;
    const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    if (text !== "" || logprobs.length > 0) yield chunk(index, { content: text }, null, logprobs);
    for (const part of parts) {
      if (part.type !== "call") continue;
      const call = toolCall(part, chat.context.newId());
      yield chunk(index, { tool_calls: [{ index: calls[index]!++, ...call }] });
    }
    if (finish !== undefined) yield chunk(index, {}, finish);
  }
  if (chat.fields.stream_options?.include_usage) {
    yield { ...common, choices: [], usage: usage(chat.promptLength, tokens) };
  }
}
