import type { ChatModel } from "../chat/chat-turn.ts";
import type { TokenLogprob } from "../generate.ts";
import type { BatchQueue, Depth } from "./batch-queue.ts";
import { HttpError } from "./http-error.ts";

/** What the endpoints work with. */
export interface ServerContext {
  readonly model: ChatModel;
  /** Name that requests call the model by. */
  readonly modelName: string;
  readonly queue: BatchQueue;
  readonly depth: Depth;
  /** New tokens of one answer at most. */
  readonly maxNewTokens: number;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  readonly newSeed: () => number;
}

/** How much of a request one answer is: it is the body, or one event after the other. */
export type Reply = { readonly body: object } | { readonly events: AsyncIterable<object> };

/** @throws HttpError 404 for another model's name. */
export function checkModel(name: string, { modelName }: ServerContext): void {
  if (name === modelName) return;
  const message = `there is no model "${name}" here; this server has "${modelName}"`;
  throw new HttpError(404, "model_not_found", message, { param: "model" });
}

/** Tokens that an answer may have: what is asked for, else what the context and the server allow. */
export function newTokens(
  asked: number | undefined,
  promptLength: number,
  { model, maxNewTokens }: ServerContext,
): number {
  if (asked !== undefined && asked > maxNewTokens) {
    const message = `${asked} new tokens are asked for; this server gives at most ${maxNewTokens}`;
    throw new HttpError(400, "invalid_value", message, { param: "max_tokens" });
  }
  return asked ?? Math.max(1, Math.min(maxNewTokens, model.engine.contextLength - promptLength));
}

/** Tokens counted as OpenAI does. */
export const usage = (prompt: number, completion: number): object => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

/** The text of a token by itself; what is no whole character reads as the replacement character. */
export function tokenText({ tokenizer, tokenBytes }: ChatModel, token: number): string {
  const bytes = tokenBytes()?.[token];
  return bytes ? new TextDecoder().decode(bytes) : tokenizer.decode([token]);
}

/** A likelihood as chat completions report it. */
export function chatLogprob(model: ChatModel, { token, logprob }: TokenLogprob): object {
  const bytes = model.tokenBytes()?.[token];
  return { token: tokenText(model, token), logprob, bytes: bytes ? [...bytes] : null };
}
