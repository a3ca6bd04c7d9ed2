import {
  APICallError,
  EmptyResponseBodyError,
  InvalidResponseDataError,
  JSONParseError,
  NoContentGeneratedError,
  TypeValidationError,
} from "@ai-sdk/provider";
import { PostgradError } from "@postgrad/schema";

import type { Outcome } from "./gate.ts";

/** A call that gave no answer. */
export interface Failure {
  /** What to throw where it is not tried again; without keys in message and cause. */
  readonly error: Error;
  /** Whether the same call may succeed later. */
  readonly isTransient: boolean;
  readonly outcome: Outcome;
  /** Milliseconds that the provider asks to wait; `undefined` where it does not say. */
  readonly retryAfterMs: number | undefined;
  /** Whether the provider may have done the work and billed it: the answer was lost on the way. */
  readonly mayBeBilled: boolean;
}

/** What is said in an error about who was asked, and what must not be said. */
export interface Asked {
  readonly model: string;
  readonly agent: string;
  readonly redact: (text: string) => string;
  readonly now: number;
}

/** Codes of failures that belong to one question: the row is dropped, and the stream goes on. */
export const dropCodes: ReadonlySet<string> = new Set([
  "teacher/invalid-answer",
  "teacher/filtered",
  "teacher/refused",
  "teacher/unavailable",
]);

/** Thrown by a call that ran longer than it may. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** Sorts what a model threw into what can be tried again and what cannot. */
export function failureOf(thrown: unknown, asked: Asked): Failure {
  if (thrown instanceof PostgradError) return { ...permanent(thrown), outcome: "unknown" };
  if (thrown instanceof TimeoutError || isLostOnTheWay(thrown))
    return transient(thrown, asked, { mayBeBilled: true });
  if (APICallError.isInstance(thrown)) return ofStatus(thrown, asked);
  return permanent(
    problem(
      "teacher/failed",
      `${asked.model} failed: ${messageOf(thrown)}`,
      asked,
      thrown,
      "system",
    ),
  );
}

function ofStatus(thrown: APICallError, asked: Asked): Failure {
  const { statusCode: status, responseHeaders: headers = {}, responseBody = "" } = thrown;
  const { model, agent, now } = asked;
  const said = messageOf(thrown);
  if (/insufficient_quota|credit balance is too low/.test(responseBody) || status === 402)
    return permanent(
      problem(
        "teacher/quota",
        `${model}: the account has no credit left (${said}); answers in the ledger are kept`,
        asked,
        thrown,
      ),
    );
  if (status === 429)
    return {
      ...transient(thrown, asked, { retryAfterMs: retryAfter(headers, now) }),
      outcome: "rate-limited",
    };
  if (thrown.isRetryable)
    return transient(thrown, asked, {
      retryAfterMs: retryAfter(headers, now),
      mayBeBilled: status === undefined,
    });
  if (status === 401 || status === 403)
    return permanent(
      problem(
        "teacher/unauthorized",
        `${model} refused the key (${status}: ${said}); check the key in the environment`,
        asked,
        thrown,
      ),
    );
  if (status === 404)
    return permanent(
      problem(
        "teacher/no-such-model",
        `${model} is not there (404: ${said}); check the model's name and the address`,
        asked,
        thrown,
      ),
    );
  return permanent(
    problem(
      "teacher/refused",
      `agent ${agent}: ${model} refused the request (${status}: ${said})`,
      asked,
      thrown,
    ),
  );
}

/** A reply came and could not be read, or the connection broke. */
function isLostOnTheWay(thrown: unknown): boolean {
  if (APICallError.isInstance(thrown)) return thrown.statusCode === 200;
  if (
    EmptyResponseBodyError.isInstance(thrown) ||
    InvalidResponseDataError.isInstance(thrown) ||
    JSONParseError.isInstance(thrown) ||
    NoContentGeneratedError.isInstance(thrown) ||
    TypeValidationError.isInstance(thrown)
  )
    return true;
  return thrown instanceof TypeError && /^(fetch failed|terminated)$/.test(thrown.message);
}

function transient(
  thrown: unknown,
  asked: Asked,
  { retryAfterMs, mayBeBilled = false }: Partial<Pick<Failure, "retryAfterMs" | "mayBeBilled">>,
): Failure {
  const { agent, model } = asked;
  const message = `agent ${agent}: ${model} gave no answer, the last time because of: ${messageOf(thrown)}`;
  return {
    error: problem("teacher/unavailable", message, asked, thrown, "system"),
    isTransient: true,
    outcome: "failure",
    retryAfterMs,
    mayBeBilled,
  };
}

/** An answered refusal: the provider works, and would say the same again. */
function permanent(error: Error): Failure {
  return {
    error,
    isTransient: false,
    outcome: "success",
    retryAfterMs: undefined,
    mayBeBilled: false,
  };
}

function problem(
  code: string,
  message: string,
  { redact }: Asked,
  thrown: unknown,
  fault: "user" | "system" = "user",
): PostgradError {
  // The provider's own error carries request, headers and reply; what it says is enough.
  const cause = new Error(redact(messageOf(thrown)));
  return new PostgradError(code, redact(message), { cause, fault });
}

function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.length > 300 ? `${text.slice(0, 297)}...` : text;
}

/** Retry-After in milliseconds: seconds or an HTTP date; OpenAI and Azure also send milliseconds. */
function retryAfter(headers: Record<string, string>, now: number): number | undefined {
  const ms = Number(headers["retry-after-ms"] || Number.NaN);
  if (ms >= 0) return ms;
  const value = headers["retry-after"];
  if (!value) return undefined;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
