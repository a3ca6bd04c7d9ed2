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

  /** The next free moment. */
  get next(): number {
    return this.#next;
  }

  /** Books `amount` at the moment `at`. */
  take(amount: number, at: number): void {
    this.#next = at + amount * this.#msEach;
  }

  /** Gives back what was taken and not used. */
  giveBack(amount: number): void {
    this.#next -= amount * this.#msEach;
  }
}
