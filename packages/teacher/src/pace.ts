/**
 * Spaces starts evenly, so that no minute sees more than `perMinute` of them (of tokens: no more than that and the last
 * call's). Times are milliseconds.
 */
export class Pace {
  readonly #msEach: number;
  #next = 0;

  constructor(perMinute: number) {
    this.#msEach = 60_000 / perMinute;
  }

  /** Takes the next free moment for `amount` and returns it; never before `now`. */
  take(amount: number, now: number): number {
    const start = Math.max(now, this.#next);
    this.#next = start + amount * this.#msEach;
    return start;
  }

  /** Gives back what was taken and not used. */
  giveBack(amount: number): void {
    this.#next -= amount * this.#msEach;
  }
}
