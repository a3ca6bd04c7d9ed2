import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";

import type { ChatTemplate } from "../chat/chat-template.ts";
import { type ChatModel, chatModel } from "../chat/chat-turn.ts";
import { AnswerReader, type AnswerPart } from "../chat/tool-calls.ts";
import type { Engine } from "../engine.ts";
import type { FinishReason } from "../generate.ts";
import { type Call, callOf, type CallSettings } from "./call.ts";

/** How a local model answers where a call does not say it; `providerOptions.skipdecode` overrides it. */
export interface LanguageModelSettings extends CallSettings {
  /** Default: the checkpoint's own. */
  readonly template?: ChatTemplate;
  /** Makes the id of each tool call; default: random UUIDs. */
  readonly newId?: () => string;
}

/**
 * A language model of the AI SDK (`generateText`, `streamText`, structured output, tools) that runs on `engine`.
 *
 * Greedy unless a temperature is given. JSON output and forced tool calls are constrained: they keep to the schema whatever
 * the model would rather say. Without `maxOutputTokens` a call may fill the context.
 *
 * @throws PostgradError `skipdecode/no-tokenizer`; calls throw the engine's errors and those of `chatTurn`.
 */
export function languageModel(
  engine: Engine,
  settings: LanguageModelSettings = {},
): LanguageModelV4 {
  const { template, newId = () => crypto.randomUUID(), ...defaults } = settings;
  const model = chatModel(engine, template);
  const open = (options: LanguageModelV4CallOptions): Answer => {
    const call = callOf(model, options, defaults);
    return { call, parts: answer(model, call, options.abortSignal), newId };
  };
  return {
    specificationVersion: "v4",
    provider: "skipdecode",
    modelId: engine.name,
    supportedUrls: {},
    doGenerate: (options) => whole(open(options)),
    doStream: async (options) => ({ stream: streamOf(streamed(open(options))) }),
  };
}

/** `ReadableStream.from`, which Chromium lacks. */
function streamOf<Part>(parts: AsyncGenerator<Part>): ReadableStream<Part> {
  return new ReadableStream<Part>({
    pull: async (controller) => {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => {
      await parts.return(undefined);
    },
  });
}

interface Answer {
  readonly call: Call;
  readonly parts: AsyncGenerator<AnswerPart, Ending>;
  readonly newId: () => string;
}

interface Ending {
  readonly finishReason: LanguageModelV4FinishReason;
  readonly usage: LanguageModelV4Usage;
}

/** Runs a call: parts of the answer as they become certain, then how it ended. */
async function* answer(
  { engine }: ChatModel,
  { request, row, callable }: Call,
  signal: AbortSignal | undefined,
): AsyncGenerator<AnswerPart, Ending> {
  const reader = new AnswerReader(callable);
  let finish: FinishReason = "stop";
  let tokens = 0;
  let hasCalls = false;
  for await (const event of engine.generate(request)) {
    if (event.type === "token") tokens++;
    else finish = event.reason;
    signal?.throwIfAborted();
    const parts = reader.push(event.text);
    if (event.type === "finish") parts.push(...reader.end());
    hasCalls ||= parts.some(({ type }) => type === "call");
    yield* parts;
  }
  const unified = hasCalls ? "tool-calls" : finish === "abort" ? "other" : finish;
  return {
    finishReason: { unified, raw: finish },
    usage: {
      inputTokens: {
        total: row.prompt.length,
        noCache: undefined,
        cacheRead: undefined,
        cacheWrite: undefined,
      },
      outputTokens: { total: tokens, text: undefined, reasoning: undefined },
    },
  };
}

async function whole({ call, parts, newId }: Answer): Promise<LanguageModelV4GenerateResult> {
  const content: LanguageModelV4Content[] = [];
  let step = await parts.next();
  for (; !step.done; step = await parts.next()) {
    const last = content.at(-1);
    const part = step.value;
    if (part.type === "call") content.push(toolCall(part, newId()));
    else if (last?.type === "text") last.text += part.text;
    else content.push({ type: "text", text: part.text });
  }
  return { content, ...step.value, warnings: call.warnings };
}

async function* streamed({
  call,
  parts,
  newId,
}: Answer): AsyncGenerator<LanguageModelV4StreamPart> {
  yield { type: "stream-start", warnings: call.warnings };
  let texts = 0;
  let isOpen = false;
  let step = await parts.next();
  try {
    for (; !step.done; step = await parts.next()) {
      const part = step.value;
      if (part.type === "text") {
        if (!isOpen) yield { type: "text-start", id: `${texts}` };
        isOpen = true;
        yield { type: "text-delta", id: `${texts}`, delta: part.text };
        continue;
      }
      if (isOpen) yield { type: "text-end", id: `${texts++}` };
      isOpen = false;
      yield* callParts(part, newId());
    }
  } finally {
    await parts.return({} as Ending); // whoever stops reading stops the generation
  }
  if (isOpen) yield { type: "text-end", id: `${texts}` };
  yield { type: "finish", ...step.value };
}

type CallPart = Extract<AnswerPart, { type: "call" }>;

function* callParts(part: CallPart, id: string): Generator<LanguageModelV4StreamPart> {
  yield { type: "tool-input-start", id, toolName: part.name };
  yield { type: "tool-input-delta", id, delta: part.arguments };
  yield { type: "tool-input-end", id };
  yield toolCall(part, id);
}

const toolCall = (part: CallPart, toolCallId: string) =>
  ({ type: "tool-call", toolCallId, toolName: part.name, input: part.arguments }) as const;
