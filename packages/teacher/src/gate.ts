import { PostgradError } from "@postgrad/schema";

import { Breaker, type BreakerOptions } from "./breaker.ts";
import type { Clock } from "./clock.ts";
import { Pace } from "./pace.ts";

/** How much a provider bears. */
export interface GateOptions {
  readonly model: string;
  readonly concurrency: number;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly breaker?: BreakerOptions | undefined;
  readonly clock: Clock;
}

/** How a call ended, as far as the provider's health goes. */
export type Outcome = "success" | "failure" | "rate-limited" | "unknown";

/** A call that has been let through. */
export interface Pass {
  readonly startedAt: number;
  readonly tokens: number;
}

/**
 * What every call to one provider passes: a number of calls at once that halves on "too many requests" and grows back by
 * one a round (AIMD), requests and tokens per minute, pauses that the provider asks for, and the circuit breaker.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  readonly #requests: Pace | undefined;
  readonly #tokens: Pace | undefined;
  #limit: number;
  #active = 0;
  #queue: (() => void)[] = [];
  #pausedUntil = 0;
  #halvedAt = -Infinity;

  constructor(options: GateOptions) {
    const { concurrency, requestsPerMinute, tokensPerMinute, breaker, clock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#breaker = new Breaker(breaker);
    this.#requests = requestsPerMinute ? new Pace(requestsPerMinute) : undefined;
    this.#tokens = tokensPerMinute ? new Pace(tokensPerMinute) : undefined;
    this.#limit = concurrency;
  }

  /** How many calls may run at once now. */
  get concurrency(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Waits until a call of about `tokens` tokens may start. Every `enter` that resolves is followed by one `leave`.
   *
   * @throws PostgradError `teacher/provider-down` where the provider has given nothing but failures for too long.
   */
  async enter(tokens: number, signal?: AbortSignal): Promise<Pass> {
    signal?.throwIfAborted();
    if (this.#active < this.concurrency) this.#active++;
    else await this.#turn(signal);
    try {
      await this.#clearance(tokens, signal);
    } catch (error) {
      this.#free();
      throw error;
    }
    return { startedAt: this.#clock.now(), tokens };
  }

  /** Ends a call. `used` are its real tokens where known; `pauseMs` is how long the provider asks to be left alone. */
  leave({ startedAt, tokens }: Pass, outcome: Outcome, used = tokens, pauseMs = 0): void {
    const now = this.#clock.now();
    this.#tokens?.giveBack(tokens - used);
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
    if (outcome === "success") {
      this.#breaker.success();
      this.#limit = Math.min(this.#options.concurrency, this.#limit + 1 / this.#limit);
    } else if (outcome === "unknown") this.#breaker.unknown();
    else this.#breaker.failure(now);
    // Calls that were under way when the limit was halved say nothing about the new one.
    if (outcome === "rate-limited" && startedAt > this.#halvedAt) {
      this.#limit = Math.max(1, this.#limit / 2);
      this.#halvedAt = now;
    }
    this.#free();
  }

  async #turn(signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => {
      this.#queue = this.#queue.filter((waiting) => waiting !== resolve);
      reject(signal!.reason as Error);
    };
    this.#queue.push(resolve);
    signal?.addEventListener("abort", abort, { once: true });
    await promise;
    signal?.removeEventListener("abort", abort);
  }

  /** Gives the free place to the next in line; it stays counted as active. */
  #free(): void {
    this.#active--;
    while (this.#active < this.concurrency && this.#queue.length > 0) {
      this.#active++;
      this.#queue.shift()!();
    }
  }

  async #clearance(tokens: number, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const now = this.#clock.now();
      const down = this.#breaker.downFor(now);
      if (down > 0) throw this.#down(down);
      const wait = this.#pausedUntil > now ? this.#pausedUntil - now : this.#breaker.admit(now);
      if (wait === 0) break;
      await this.#clock.sleep(wait, signal);
    }
    const now = this.#clock.now();
    if (!this.#requests && !this.#tokens) return;
    // Whole milliseconds, for timers cut off the rest, and would be early.
    const start = Math.ceil(Math.max(now, this.#requests?.next ?? 0, this.#tokens?.next ?? 0));
    this.#requests?.take(1, start);
    this.#tokens?.take(tokens, start);
    if (start <= now) return;
    try {
      await this.#clock.sleep(start - now, signal);
    } catch (error) {
      this.#breaker.unknown();
      throw error;
    }
  }

  #down(ms: number): PostgradError {
    return new PostgradError(
      "teacher/provider-down",
      `${this.#options.model} has answered with nothing but failures for ${Math.round(ms / 1000)} s; ` +
        "run the same command again when it is back: answers in the ledger are not paid for twice",
      { fault: "system" },
    );
  }
}
