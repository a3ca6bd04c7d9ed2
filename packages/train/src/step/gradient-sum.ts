/** Gradients by tensor name, summed over the batches of one optimiser step. */
export class GradientSum {
  readonly #sums = new Map<string, Float32Array>();

  /** Adds a whole gradient. The first one is kept as it is, not copied. */
  add(name: string, gradient: Float32Array): void {
    const sum = this.#sums.get(name);
    if (!sum) this.#sums.set(name, gradient);
    else for (let i = 0; i < sum.length; i++) sum[i]! += gradient[i]!;
  }

  /** Adds the gradient of looked-up rows, [ids.length, width], to a tensor of `size` elements. */
  addRows(name: string, size: number, ids: BigInt64Array, rows: Float32Array): void {
    const sum = this.#sums.get(name) ?? new Float32Array(size);
    this.#sums.set(name, sum);
    const width = rows.length / ids.length;
    for (let row = 0; row < ids.length; row++) {
      const to = Number(ids[row]) * width;
      const from = row * width;
      for (let i = 0; i < width; i++) sum[to + i]! += rows[from + i]!;
    }
  }

  /** The sums, by name in the order of first arrival. */
  get entries(): ReadonlyMap<string, Float32Array> {
    return this.#sums;
  }

  /** The L2 norm over all of them together, in float64. */
  norm(): number {
    let squares = 0;
    for (const sum of this.#sums.values()) squares += sumOfSquares(sum);
    return Math.sqrt(squares);
  }

  /** Forgets everything: the next optimiser step begins. */
  clear(): void {
    this.#sums.clear();
  }
}

function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}
