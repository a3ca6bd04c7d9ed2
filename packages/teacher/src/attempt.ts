import type { Agent } from "./agent.ts";
import { call } from "./call.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Pass } from "./gate.ts";
import { costOf } from "./prices.ts";
import type { Question } from "./question.ts";
import type { Reply } from "./reply.ts";
import type { OpenTeacher } from "./teacher.ts";
import { upperTokens } from "./tokens.ts";

// Exponential backoff with full jitter: the n-th wait is drawn from 0 to 0.5 s * 2^n, at most a minute.
const firstWaitMs = 500;
const longestWaitMs = 60_000;

/** What one question has taken so far. */
export interface Tally {
  attempts: number;
  inputTokens: number;
  outputTokens: number;
  cost: number;
}

/** Asks until a reply comes, as often as the teacher's `retries` allow. Every call is booked in `tally`. */
export async function reply(
  teacher: OpenTeacher,
  question: Question,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  return retrying(teacher, question.agent, signal, () => attempt(teacher, question, tally, signal));
}

/** Calls `work` until it gives something else than a failure that may pass, as often as `retries` allow. */
export async function retrying<Value extends object>(
  teacher: OpenTeacher,
  agent: Agent,
  signal: AbortSignal | undefined,
  work: () => Promise<Value | Failure>,
): Promise<Value> {
  for (let tries = 0; ; tries++) {
    const result = await work();
    if (!("isTransient" in result)) return result;
    if (!result.isTransient || tries >= teacher.config.retries) throw result.error;
    await pause(teacher, agent, result, tries, signal);
  }
}

async function attempt(
  teacher: OpenTeacher,
  question: Question,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<Reply | Failure> {
  const { gate, budget, price, clock, id: model, redact } = teacher;
  const upper = upperTokens(question);
  const tokens = upper.input + upper.output;
  const pass = await gate.enter(tokens, signal);
  const reserved = { tokens, cost: costOf(upper, price) };
  const settle = budget && (await leaving(teacher, pass, budget.reserve(reserved, signal)));
  tally.attempts++;
  try {
    const answer = await call(teacher, question, signal);
    const used = { input: answer.inputTokens ?? 0, output: answer.outputTokens ?? 0 };
    const cost = costOf(used, price);
    tally.inputTokens += used.input;
    tally.outputTokens += used.output;
    tally.cost += cost;
    const isKnown = answer.inputTokens !== undefined && answer.outputTokens !== undefined;
    settle?.(isKnown ? { tokens: used.input + used.output, cost } : reserved);
    gate.leave(pass, "success", isKnown ? used.input + used.output : tokens);
    return answer;
  } catch (thrown) {
    const now = clock.now();
    const failure = failureOf(thrown, { model, agent: question.agent.id, redact, now });
    const isCancelled = signal?.aborted ?? false;
    settle?.(failure.mayBeBilled || isCancelled ? reserved : { tokens: 0, cost: 0 });
    gate.leave(pass, isCancelled ? "unknown" : failure.outcome, tokens, failure.retryAfterMs);
    signal?.throwIfAborted();
    return failure;
  }
}

/** Waits for `step`; where it fails, the place in the gate is free again. */
async function leaving<Value>(
  teacher: OpenTeacher,
  pass: Pass,
  step: Promise<Value>,
): Promise<Value> {
  try {
    return await step;
  } catch (error) {
    teacher.gate.leave(pass, "unknown", 0);
    throw error;
  }
}

/** Waits before the next try, at least as long as the provider asks for; other calls go on meanwhile. */
async function pause(
  { clock, onEvent, id: model }: OpenTeacher,
  agent: Agent,
  { retryAfterMs = 0, error }: Failure,
  tries: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const jitter = clock.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** tries);
  const waitMs = Math.round(retryAfterMs + jitter);
  onEvent?.({ type: "retry", agent: agent.id, model, reason: error.message, waitMs });
  await clock.sleep(waitMs, signal);
}
