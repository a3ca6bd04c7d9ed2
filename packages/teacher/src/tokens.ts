import { formatInstruction, type Question } from "./question.ts";

// What chat templates add: a few marker tokens around each message, and at the end.
const perMessage = 8;

/**
 * About how many tokens `text` is: a quarter of its ASCII characters, and one for each other character. Within a third of
 * the truth for prose and code in the tokenizers in use; for plans, not for limits.
 */
export function estimateTokens(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) wide++;
  return Math.ceil((text.length - wide) / 4) + wide;
}

/** The tokens of one call. */
export interface TokenCount {
  readonly input: number;
  readonly output: number;
}

/**
 * More tokens than a call can take: a token of a byte-level vocabulary holds at least one byte. The schema counts twice,
 * in the instruction and in the response format.
 */
export function upperTokens({ agent, messages, parameters }: Question): TokenCount {
  let input = perMessage + 2 * Buffer.byteLength(formatInstruction(agent) ?? "");
  for (const { content } of messages) input += perMessage + Buffer.byteLength(content);
  return { input, output: parameters.maxOutputTokens };
}

/** The tokens that a call will probably take; its answer is taken as a quarter of what it may be. */
export function expectedTokens({ agent, messages, parameters }: Question): TokenCount {
  let input = perMessage + estimateTokens(formatInstruction(agent) ?? "");
  for (const { content } of messages) input += perMessage + estimateTokens(content);
  return { input, output: Math.ceil(parameters.maxOutputTokens / 4) };
}
