/** When a provider counts as down, in failures in a row and milliseconds. */
export interface BreakerOptions {
  /** Failures in a row, over all questions, that stop the traffic. Default 10. */
  readonly failures?: number;
  /** How long it stays stopped before one call tries again. Default 10,000 ms. */
  readonly coolDownMs?: number;
  /** How long nothing but failures is borne before the run ends. Default 120,000 ms. */
  readonly patienceMs?: number;
}

/**
 * A circuit breaker: after some failures in a row no call is made for a while, then one at a time, until one succeeds.
 * A provider that is down is not hammered, and a long run outlives a short outage.
 */
export class Breaker {
  readonly #failures: number;
  readonly #coolDownMs: number;
  readonly #patienceMs: number;
  #inARow = 0;
  #downSince = 0;
  #openUntil = 0;
  #isProbing = false;

  constructor({ failures = 10, coolDownMs = 10_000, patienceMs = 120_000 }: BreakerOptions = {}) {
    this.#failures = failures;
    this.#coolDownMs = coolDownMs;
    this.#patienceMs = patienceMs;
  }

  /** 0 where a call may start now (where the breaker is open: as the one that tries), else how long to wait, in ms. */
  admit(now: number): number {
    if (this.#inARow < this.#failures) return 0;
    if (now < this.#openUntil) return this.#openUntil - now;
    if (this.#isProbing) return this.#coolDownMs;
    this.#isProbing = true;
    return 0;
  }

  /** A call was answered, be it with a refusal: the provider works. */
  success(): void {
    this.#inARow = 0;
    this.#isProbing = false;
  }

  /** A call ended without telling anything about the provider (it was cancelled). */
  unknown(): void {
    this.#isProbing = false;
  }

  /** A call failed. */
  failure(now: number): void {
    if (this.#inARow++ === 0) this.#downSince = now;
    this.#isProbing = false;
    if (this.#inARow >= this.#failures) this.#openUntil = now + this.#coolDownMs;
  }

  /** How long there has been nothing but failures, in ms, where that is longer than is borne; else 0. */
  downFor(now: number): number {
    const down = now - this.#downSince;
    return this.#inARow >= this.#failures && down >= this.#patienceMs ? down : 0;
  }
}
