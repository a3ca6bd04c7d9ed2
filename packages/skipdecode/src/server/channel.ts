/** Hands values from one that makes them to one that reads them, in order and without loss. */
export class Channel<Value> implements AsyncIterable<Value> {
  readonly #values: Value[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;
  #error: unknown;

  push(value: Value): void {
    this.#values.push(value);
    this.#wake?.();
  }

  /** No more values come. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** The reader gets what is there already, then `error`. */
  fail(error: unknown): void {
    this.#error = error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift()!;
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
