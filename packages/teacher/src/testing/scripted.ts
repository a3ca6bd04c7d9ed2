import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { PostgradError } from "@postgrad/schema";

import { estimateTokens } from "../tokens.ts";

/** What a script's answer may depend on beside the agent's input. */
export interface ScriptContext {
  /** Which of several answers to the same question. */
  readonly sample: number;
  /** The call as the model got it. */
  readonly call: LanguageModelV4CallOptions;
}

/** Answers one agent: an object becomes JSON, a string is the text as it is. */
// oxlint-disable-next-line typescript/no-explicit-any -- the agent's input schema says what it is
export type Script = (input: any, context: ScriptContext) => unknown;

/**
 * A language model that answers from functions, by agent id; for tests, examples and dry runs. Tokens are estimated from
 * the texts, so that accounts are not empty.
 *
 * @throws (from a call) PostgradError `teacher/not-scripted` for an agent that has no script.
 */
export function scripted(
  scripts: Readonly<Record<string, Script>>,
  modelId = "test",
): LanguageModelV4 {
  const doGenerate = async (
    call: LanguageModelV4CallOptions,
  ): Promise<LanguageModelV4GenerateResult> => {
    call.abortSignal?.throwIfAborted();
    const {
      agent,
      input,
      sample = 0,
    } = (call.providerOptions?.["postgrad"] ?? {}) as {
      agent?: string;
      input?: unknown;
      sample?: number;
    };
    const script = agent === undefined ? undefined : scripts[agent];
    if (!script) throw notScripted(agent, scripts);
    const answer = await script(input, { sample, call });
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    return {
      content: [{ type: "text", text }],
      finishReason: { unified: "stop", raw: "stop" },
      usage: usageOf(call, text),
      warnings: [],
    };
  };
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId,
    supportedUrls: {},
    doGenerate,
    doStream: async (call) => ({ stream: streamOf(await doGenerate(call)) }),
  };
}

function notScripted(agent: string | undefined, scripts: object): PostgradError {
  const known = Object.keys(scripts).join(", ") || "none";
  return new PostgradError(
    "teacher/not-scripted",
    agent === undefined
      ? "a scripted model answers agents only: call it through ask()"
      : `agent ${agent} has no script; there are: ${known}`,
  );
}

function usageOf(
  { prompt }: LanguageModelV4CallOptions,
  answer: string,
): LanguageModelV4GenerateResult["usage"] {
  let input = 0;
  for (const { content } of prompt) {
    if (typeof content === "string") input += estimateTokens(content);
    else for (const part of content) if (part.type === "text") input += estimateTokens(part.text);
  }
  const output = estimateTokens(answer);
  return {
    inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined },
  };
}

function streamOf({
  content,
  finishReason,
  usage,
}: LanguageModelV4GenerateResult): ReadableStream<LanguageModelV4StreamPart> {
  const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  const parts: LanguageModelV4StreamPart[] = [
    { type: "stream-start", warnings: [] },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: text },
    { type: "text-end", id: "0" },
    { type: "finish", finishReason, usage },
  ];
  return ReadableStream.from<LanguageModelV4StreamPart>(parts);
}
