import { allocateTensor } from "./allocate.ts";
import type { Tensor } from "./runtime.ts";
import { range } from "./schedule/layer-schedule.ts";

/** What a cache is made for. */
export interface CacheShape {
  readonly rows: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

interface Store {
  key: Float32Array;
  value: Float32Array;
}

/** A column that holds no position of a row: padding, or a draft that was rejected. */
export const noPosition = -1;

/**
 * Keys and values of a batch, layer by layer, outside the runtime. Column-major: a column holds one position of every
 * row, so the columns in use are one contiguous piece whatever the capacity behind them, which doubles as it fills.
 *
 * Rows share the columns but not the positions: `positions` says which one a column holds for a row, if any. So prompts of
 * different lengths and drafts of different luck need no copies. Column 0 holds nothing, for graphs that want a past.
 */
export class KeyValueCache {
  #rows: number;
  readonly #head: readonly [number, number];
  readonly #stores = new Map<number, Store>();
  #positions: Int32Array[];
  #columns = 1;
  #first = 0;
  #capacity: number;

  constructor({ rows, kvHeads, headDim }: CacheShape, capacity = 64) {
    this.#rows = rows;
    this.#head = [kvHeads, headDim];
    this.#capacity = Math.max(2, capacity);
    this.#positions = range(0, rows).map(() => new Int32Array(this.#capacity).fill(noPosition));
  }

  /** Rows of the batch. */
  get rows(): number {
    return this.#rows;
  }

  /** Columns in use, the empty ones at the front left out; the `past` of a graph. */
  get length(): number {
    return this.#columns - this.#first;
  }

  /** Bytes held for keys and values. */
  get bytes(): number {
    return this.#stores.size * 2 * this.#capacity * this.#width * 4;
  }

  /** Positions of `row` by column, for the columns in use. */
  positionsOf(row: number): Int32Array {
    return this.#positions[row]!.subarray(this.#first, this.#columns);
  }

  /** Positions of `row` that are held: one more than the last. */
  lengthOf(row: number): number {
    return this.positionsOf(row).reduce((most, position) => Math.max(most, position + 1), 0);
  }

  /** Keys and values of `layer`, [length, rows, kvHeads, headDim], in place. */
  past(layer: number): { key: Tensor<"float32">; value: Tensor<"float32"> } {
    const { key, value } = this.#store(layer);
    const [start, end] = [this.#first * this.#width, this.#columns * this.#width];
    const dims = [this.length, this.#rows, ...this.#head];
    const view = (data: Float32Array) => ({
      type: "float32" as const,
      dims,
      data: data.subarray(start, end),
    });
    return { key: view(key), value: view(value) };
  }

  /** Writes the keys and values of new columns of `layer` behind those in use; `advance` then makes them count. */
  write(layer: number, key: Float32Array, value: Float32Array): void {
    this.#reserve(this.#columns + key.length / this.#width);
    const store = this.#store(layer);
    store.key.set(key, this.#columns * this.#width);
    store.value.set(value, this.#columns * this.#width);
  }

  /** Takes new columns into use: `positions[row][i]` is what the i-th of them holds for the row. */
  advance(positions: readonly ArrayLike<number>[]): void {
    const count = positions[0]!.length;
    this.#reserve(this.#columns + count);
    for (const [row, own] of positions.entries()) this.#positions[row]!.set(own, this.#columns);
    this.#columns += count;
  }

  /** Makes positions from `from` on, of one row, as if they had never been; columns that no row uses are taken back. */
  forget(row: number, from: number): void {
    const own = this.#positions[row]!;
    for (let column = 0; column < this.#columns; column++) {
      if (own[column]! >= from) own[column] = noPosition;
    }
    while (this.#columns > 1 && !this.#isUsed(this.#columns - 1)) this.#columns--;
    this.#first = Math.min(this.#first, this.#columns - 1);
  }

  /** Releases what is held for `layer`. */
  free(layer: number): void {
    this.#stores.delete(layer);
  }

  /** Keeps these rows only, in this ascending order, and skips columns at the front that none of them uses. */
  keepRows(rows: readonly number[]): void {
    const size = this.#head[0] * this.#head[1];
    const [from, to] = [this.#width, rows.length * size];
    for (const store of this.#stores.values()) {
      for (const data of [store.key, store.value]) {
        for (let column = 0; column < this.#columns; column++) {
          for (const [i, row] of rows.entries()) {
            const source = column * from + row * size;
            // never to the right of what is still to be read: the rows ascend
            data.copyWithin(column * to + i * size, source, source + size);
          }
        }
      }
    }
    this.#positions = rows.map((row) => this.#positions[row]!);
    this.#rows = rows.length;
    // The arrays keep their size, which now holds more columns.
    for (const [layer, { key, value }] of this.#stores) {
      const end = this.#capacity * to;
      this.#stores.set(layer, { key: key.subarray(0, end), value: value.subarray(0, end) });
    }
    while (this.#first < this.#columns - 1 && !this.#isUsed(this.#first + 1)) this.#first++;
  }

  /** A new cache whose row i is a copy of row `rows[i]`, with room for `extra` more columns. */
  copyRows(rows: readonly number[], extra: number): KeyValueCache {
    const [kvHeads, headDim] = this.#head;
    const copy = new KeyValueCache({ rows: rows.length, kvHeads, headDim }, this.#columns + extra);
    const size = kvHeads * headDim;
    for (const [layer, store] of this.#stores) {
      const target = copy.#store(layer);
      for (const part of ["key", "value"] as const) {
        for (let column = 0; column < this.#columns; column++) {
          for (const [i, row] of rows.entries()) {
            const source = column * this.#width + row * size;
            target[part].set(
              store[part].subarray(source, source + size),
              column * copy.#width + i * size,
            );
          }
        }
      }
    }
    for (const [i, row] of rows.entries()) {
      copy.#positions[i]!.set(this.#positions[row]!.subarray(0, this.#columns));
    }
    copy.#columns = this.#columns;
    copy.#first = this.#first;
    return copy;
  }

  get #width(): number {
    return this.#rows * this.#head[0] * this.#head[1];
  }

  #isUsed(column: number): boolean {
    return this.#positions.some((own) => own[column] !== noPosition);
  }

  #store(layer: number): Store {
    const known = this.#stores.get(layer);
    if (known) return known;
    const made = { key: this.#allocate(), value: this.#allocate() };
    this.#stores.set(layer, made);
    return made;
  }

  #allocate(): Float32Array {
    return allocateTensor("float32", [this.#capacity, this.#width]).data;
  }

  #reserve(columns: number): void {
    if (columns <= this.#capacity) return;
    while (this.#capacity < columns) this.#capacity *= 2;
    for (const store of this.#stores.values()) {
      for (const part of ["key", "value"] as const) {
        const grown = this.#allocate();
        grown.set(store[part].subarray(0, this.#columns * this.#width));
        store[part] = grown;
      }
    }
    this.#positions = this.#positions.map((own) => {
      const grown = new Int32Array(this.#capacity).fill(noPosition);
      grown.set(own);
      return grown;
    });
  }
}
