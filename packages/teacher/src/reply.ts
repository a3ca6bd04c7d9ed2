import type {
  LanguageModelV2,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4GenerateResult,
} from "@ai-sdk/provider";

/** A language model of the AI SDK, of its current specification or of the two before. */
export type LanguageModel = LanguageModelV4 | LanguageModelV3 | LanguageModelV2;

/** What we read of a model's answer. */
export interface Reply {
  readonly text: string;
  readonly finish: LanguageModelV4GenerateResult["finishReason"]["unified"];
  /** `undefined` where the provider does not say. */
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** Reads a result of any of the specifications: version 2 has a flat usage and a bare finish reason. */
export function replyOf(result: LanguageModelV4GenerateResult): Reply {
  const { content, structuredOutputText, finishReason, usage } = result;
  return {
    text: structuredOutputText ?? textOf(content),
    finish: typeof finishReason === "string" ? finishReason : finishReason.unified,
    inputTokens: totalOf(usage.inputTokens),
    outputTokens: totalOf(usage.outputTokens),
  };
}

function textOf(content: LanguageModelV4GenerateResult["content"]): string {
  let text = "";
  for (const part of content) if (part.type === "text") text += part.text;
  return text;
}

function totalOf(
  count: number | { readonly total: number | undefined } | undefined,
): number | undefined {
  return typeof count === "object" ? count.total : count;
}
