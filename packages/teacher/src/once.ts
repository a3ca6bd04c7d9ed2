import { PostgradError } from "@postgrad/schema";

import type { Answer, Ledger } from "./ledger.ts";
import type { Question } from "./question.ts";

/** How often a question that another process is asking is looked up again. */
const pollMs = 100;

/** An answer, and whether it was there already. */
export interface Found {
  readonly answer: Answer;
  readonly cached: boolean;
}

/**
 * The answer to `question`: the stored one; or the one that somebody is just asking for, in this process or another; or,
 * if there is neither, what `produce` gives, which is stored before it is returned. What `produce` throws is not stored.
 */
export async function once(
  ledger: Ledger,
  question: Question,
  signal: AbortSignal | undefined,
  produce: () => Promise<Answer>,
): Promise<Found> {
  const { key } = question;
  for (;;) {
    const stored = ledger.get(key);
    if (stored) return { answer: stored, cached: true };
    const asking = ledger.inFlight.get(key);
    if (!asking) break;
    try {
      return { answer: await unless(signal, asking), cached: true };
    } catch (error) {
      signal?.throwIfAborted();
      // That the other one was cancelled is no answer to us; whatever else it met, we would meet too.
      if (error instanceof PostgradError) throw error;
    }
  }
  const asked = askAlone(ledger, question, signal, produce);
  const answer = asked.then((found) => found.answer);
  answer.catch(() => {}); // it is thrown to the one who asked; the others may not be there
  ledger.inFlight.set(key, answer);
  try {
    return await asked;
  } finally {
    ledger.inFlight.delete(key);
  }
}

async function askAlone(
  ledger: Ledger,
  { key, agent }: Question,
  signal: AbortSignal | undefined,
  produce: () => Promise<Answer>,
): Promise<Found> {
  for (;;) {
    const claim = ledger.claim(key);
    // Between the look-up and the claim the answer may have come.
    const stored = ledger.get(key);
    if (stored) {
      if (claim === "mine") ledger.release(key);
      return { answer: stored, cached: true };
    }
    if (claim === "mine") break;
    if (claim !== "theirs")
      throw new PostgradError(
        "teacher/in-batch",
        `agent ${agent.id}: this question is part of batch ${claim.batch}, which is not collected yet; ` +
          "collect or cancel the batch first",
      );
    await ledger.clock.sleep(pollMs, signal);
  }
  try {
    const answer = await produce();
    ledger.store(answer);
    return { answer, cached: false };
  } catch (error) {
    ledger.release(key);
    throw error;
  }
}

/** `promise`, unless `signal` is aborted first. */
async function unless<Value>(
  signal: AbortSignal | undefined,
  promise: Promise<Value>,
): Promise<Value> {
  if (!signal) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
