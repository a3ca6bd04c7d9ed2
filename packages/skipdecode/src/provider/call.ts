import type { LanguageModelV4CallOptions, SharedV4Warning } from "@ai-sdk/provider";
import { validate } from "@postgrad/schema";
import { type Static, Type } from "typebox";

import { type ChatModel, chatTurn } from "../chat/chat-turn.ts";
import type { JsonSchema } from "../constraint/place.ts";
import type { GenerateRequest, GenerateRow } from "../generate.ts";
import { messagesOf } from "./prompt.ts";

/** What a call may say under `providerOptions.skipdecode`. */
export const CallSettings = Type.Object(
  {
    minP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    repetitionPenalty: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    speedup: Type.Optional(Type.Number({ minimum: 1, description: "fewer layers by this factor" })),
    exact: Type.Optional(Type.Boolean({ description: "drafts only: the full model's output" })),
  },
  { additionalProperties: false },
);
export type CallSettings = Static<typeof CallSettings>;

/** A call of the AI SDK as the engine takes it. */
export interface Call {
  readonly request: GenerateRequest;
  readonly row: GenerateRow;
  readonly callable: readonly string[];
  readonly warnings: SharedV4Warning[];
}

/** Reads the options of a call; what the engine cannot do is a warning, what would change the answer's kind an error. */
export function callOf(
  model: ChatModel,
  options: LanguageModelV4CallOptions,
  defaults: CallSettings,
): Call {
  const warnings: SharedV4Warning[] = [];
  const { prompt, constraint, callable } = turnOf(model, options, warnings);
  const own = validate(CallSettings, options.providerOptions?.["skipdecode"] ?? {}, {
    file: "providerOptions.skipdecode",
  });
  const { speedup, exact, minP, repetitionPenalty } = { ...defaults, ...own };
  const { maxOutputTokens, temperature, topP, topK, seed, stopSequences, abortSignal } = options;
  const row: GenerateRow = {
    prompt,
    maxNewTokens: maxOutputTokens ?? Math.max(1, model.engine.contextLength - prompt.length),
    ...defined({ temperature, topP, topK, minP, repetitionPenalty, seed, constraint }),
    ...(stopSequences && { stop: stopSequences }),
  };
  const request = { rows: [row], ...defined({ speedup, exact, signal: abortSignal }) };
  warnings.push(...unsupported(options));
  return { request, row, callable, warnings };
}

function turnOf(
  model: ChatModel,
  { prompt, tools = [], toolChoice, responseFormat }: LanguageModelV4CallOptions,
  warnings: SharedV4Warning[],
): ReturnType<typeof chatTurn> {
  const own = tools.filter((tool) => tool.type === "function");
  for (const tool of tools) {
    if (tool.type !== "function")
      warnings.push({ type: "unsupported", feature: `tool ${tool.id}` });
  }
  const takesTools = model.template?.takesTools ?? false;
  if (own.length > 0 && !takesTools) {
    const details = `the chat template of "${model.engine.name}" writes no tools`;
    warnings.push({ type: "unsupported", feature: "tools", details });
  }
  const offered = takesTools ? own : [];
  const schema =
    responseFormat?.type === "json" ? (responseFormat.schema ?? { type: "object" }) : undefined;
  return chatTurn(model, {
    messages: messagesOf(prompt),
    tools: offered.map(({ name, description, inputSchema }) => ({
      type: "function",
      function: { name, ...defined({ description }), parameters: inputSchema as JsonSchema },
    })),
    ...(toolChoice && {
      toolChoice: toolChoice.type === "tool" ? { name: toolChoice.toolName } : toolChoice.type,
    }),
    ...(schema && { schema: schema as JsonSchema }),
  });
}

function unsupported(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const { presencePenalty, frequencyPenalty, reasoning } = options;
  const settings = { presencePenalty, frequencyPenalty, reasoning };
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== 0 && value !== "provider-default")
    .map(([feature]) => ({ type: "unsupported", feature }));
}

type Defined<T> = { [Key in keyof T]?: NonNullable<T[Key]> };

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
