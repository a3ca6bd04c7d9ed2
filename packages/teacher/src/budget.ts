import { type Budget as BudgetLimit, PostgradError } from "@postgrad/schema";

import { dollars } from "./prices.ts";

/** US dollars and tokens, input and output together. */
export interface Amount {
  readonly cost: number;
  readonly tokens: number;
}

/** Gives back what was reserved and books what was really spent. Call it once. */
export type Settle = (spent: Amount) => void;

/**
 * The most that all teachers of a run may spend together. A call reserves its upper estimate first, so that calls in
 * flight cannot exceed the limit together, and settles what it really took.
 */
export class Budget {
  readonly limit: BudgetLimit;
  #spent: Amount;
  #reserved: Amount = { cost: 0, tokens: 0 };
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  /** `spent`: what earlier parts of the same run have spent, e.g. `ledger.spent()`. */
  constructor(limit: BudgetLimit, spent: Amount = { cost: 0, tokens: 0 }) {
    this.limit = limit;
    this.#spent = { cost: spent.cost, tokens: spent.tokens };
  }

  /** What is spent, without what is reserved for calls in flight. */
  get spent(): Amount {
    return this.#spent;
  }

  /**
   * Sets `upper` aside for one call. Where only calls in flight stand in the way, it waits for what they leave over.
   *
   * @throws PostgradError `teacher/budget` where the limit does not allow the call.
   */
  async reserve(upper: Amount, signal?: AbortSignal): Promise<Settle> {
    while (!this.#fits(upper)) {
      if (this.#inFlight === 0) throw this.#exhausted(upper);
      await this.#change(signal);
    }
    this.#inFlight++;
    this.#reserved = plus(this.#reserved, upper, 1);
    return (spent) => {
      this.#inFlight--;
      this.#reserved =
        this.#inFlight === 0 ? { cost: 0, tokens: 0 } : plus(this.#reserved, upper, -1);
      this.#spent = plus(this.#spent, spent, 1);
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }

  #fits({ cost, tokens }: Amount): boolean {
    const { limit } = this;
    return (
      this.#spent.cost + this.#reserved.cost + cost <= (limit.cost ?? Infinity) &&
      this.#spent.tokens + this.#reserved.tokens + tokens <= (limit.tokens ?? Infinity)
    );
  }

  async #change(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    signal?.throwIfAborted();
  }

  #exhausted(upper: Amount): PostgradError {
    const { limit } = this;
    const isMoney = this.#spent.cost + upper.cost > (limit.cost ?? Infinity);
    const [allowed, spent, next] = isMoney
      ? [dollars(limit.cost!), dollars(this.#spent.cost), dollars(upper.cost)]
      : [`${limit.tokens} tokens`, `${this.#spent.tokens}`, `${upper.tokens}`];
    return new PostgradError(
      "teacher/budget",
      `the budget of ${allowed} does not allow the next call: ${spent} spent, up to ${next} needed; ` +
        "raise the budget and run the same command again: answers in the ledger are not paid for twice",
    );
  }
}

function plus(a: Amount, b: Amount, sign: 1 | -1): Amount {
  return { cost: a.cost + sign * b.cost, tokens: a.tokens + sign * b.tokens };
}
