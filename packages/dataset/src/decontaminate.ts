import { type Drop, type EvaluationItem, PostgradError } from "@postgrad/schema";

import { dropOf } from "./bad-row.ts";
import { idOf } from "./content-id.ts";
import { rowTexts } from "./row-texts.ts";
import type { Transform } from "./stream.ts";
import { hashToken, mix, tokens } from "./tokens.ts";

/** How items are compared with rows. */
export interface ContaminationOptions {
  /** Words that must agree in a row. Default 13 (Brown et al., "Language Models are Few-Shot Learners", appendix C). */
  readonly ngram?: number;
  /** An item of fewer words than `ngram` must occur whole; one of fewer than this (default 5) cannot be checked. */
  readonly shortest?: number;
}

/** One finding: what of which item stands in which row. */
export interface Contamination {
  readonly row: string;
  readonly item: string;
  readonly benchmark: string;
  /** The first run of words found in both, as it is compared: lower case, without punctuation. */
  readonly ngram: string;
  /** The share of the item's n-grams that stand in the row, above 0 and at most 1. */
  readonly overlap: number;
}

/** The n-grams of evaluation items, to be looked for in training rows. Memory grows with the items, not with the rows. */
export class ContaminationIndex {
  readonly #n: number;
  readonly #shortest: number;
  readonly #items: { readonly id: string; readonly benchmark: string; grams: number }[] = [];
  /** All words of all items, one item's text after the other, so that a hash is confirmed by the words themselves. */
  readonly #words: string[] = [];
  /** From length and hash of an n-gram to where it stands: pairs of item and place in `#words`. */
  readonly #places = new Map<number, Map<number, number[]>>();
  #unchecked = 0;

  constructor({ ngram = 13, shortest = 5 }: ContaminationOptions = {}) {
    if (!(Number.isInteger(ngram) && ngram >= 1))
      throw new PostgradError(
        "dataset/ngram",
        `ngram: found ${ngram}, expected a whole number from 1 on`,
      );
    this.#n = ngram;
    this.#shortest = Math.min(shortest, ngram);
  }

  /** Items that were added. */
  get size(): number {
    return this.#items.length;
  }

  /** Items too short to be checked: they are counted, not guessed at. */
  get unchecked(): number {
    return this.#unchecked;
  }

  /** Adds an item: the turns of its prompt. */
  add(item: EvaluationItem): void {
    const entry = { id: item.id, benchmark: item.benchmark, grams: 0 };
    const number = this.#items.push(entry) - 1;
    for (const { content } of item.prompt) {
      const words = tokens(content);
      if (words.length < this.#shortest) continue;
      const length = Math.min(this.#n, words.length);
      const start = this.#words.length;
      for (const word of words) this.#words.push(word);
      const known = new Set<number>();
      for (const [i, hash] of rolling(words, length)) {
        if (known.has(hash)) continue;
        known.add(hash);
        entry.grams += 1;
        placesOf(this.#places, length, hash).push(number, start + i);
      }
    }
    if (entry.grams === 0) this.#unchecked += 1;
  }

  /** What of which items stands in `texts`, in the order in which it was found. */
  find(texts: readonly string[]): Omit<Contamination, "row">[] {
    const found = new Map<number, { ngram: string; places: Set<number> }>();
    for (const text of texts) {
      const words = tokens(text);
      for (const [length, places] of this.#places) {
        if (words.length < length) continue;
        for (const [i, hash] of rolling(words, length)) {
          const hits = places.get(hash);
          if (hits) this.#collect(found, hits, words.slice(i, i + length));
        }
      }
    }
    return [...found].map(([number, { ngram, places }]) => {
      const { id, benchmark, grams } = this.#items[number]!;
      return { item: id, benchmark, ngram, overlap: places.size / grams };
    });
  }

  #collect(
    found: Map<number, { ngram: string; places: Set<number> }>,
    hits: readonly number[],
    gram: readonly string[],
  ): void {
    for (let i = 0; i < hits.length; i += 2) {
      const [number, start] = [hits[i]!, hits[i + 1]!];
      if (!gram.every((word, k) => this.#words[start + k] === word)) continue;
      const entry = found.get(number) ?? { ngram: gram.join(" "), places: new Set<number>() };
      entry.places.add(start);
      found.set(number, entry);
    }
  }
}

/** The index of a stream of items. */
export async function contaminationIndex(
  items: AsyncIterable<EvaluationItem>,
  options?: ContaminationOptions,
): Promise<ContaminationIndex> {
  const index = new ContaminationIndex(options);
  for await (const item of items) index.add(item);
  return index;
}

/** What `decontaminate` may be told. */
export interface DecontaminateOptions<Row> {
  /** A row is dropped when it holds more than this share of an item's n-grams. Default 0: one is enough. */
  readonly allowedOverlap?: number;
  readonly texts?: (row: Row) => readonly string[];
  /** Receives every finding, also of rows that pass because the overlap is allowed. */
  readonly onMatch?: (match: Contamination) => void | Promise<void>;
  readonly onDrop?: ((drop: Drop) => void | Promise<void>) | undefined;
}

/** Drops rows that hold n-grams of evaluation items. */
export function decontaminate<Row extends object>(
  index: ContaminationIndex,
  { allowedOverlap = 0, texts = rowTexts, onMatch, onDrop }: DecontaminateOptions<Row> = {},
): Transform<Row> {
  return async function* (rows) {
    for await (const row of rows) {
      const matches = index.find(texts(row));
      if (matches.length === 0) {
        yield row;
        continue;
      }
      const id = idOf(row);
      for (const match of matches) await onMatch?.({ row: id, ...match });
      const worst = matches.reduce((a, b) => (b.overlap > a.overlap ? b : a));
      if (worst.overlap <= allowedOverlap) {
        yield row;
        continue;
      }
      const share = `${Math.round(worst.overlap * 100)}% of its n-grams`;
      const reason = `holds ${share} of item ${worst.item} of ${worst.benchmark}, such as "${worst.ngram}"`;
      await onDrop?.(dropOf("dataset/contaminated", reason, { row }));
    }
  };
}

/** Place and hash of every run of `length` words. The hash has 52 bits, so that look-ups seldom have to be refuted. */
function* rolling(words: readonly string[], length: number): Generator<[number, number]> {
  const hashes = words.map(hashToken);
  for (let start = 0; start + length <= words.length; start++) {
    let low = 0;
    let high = length;
    for (let i = start; i < start + length; i++) {
      low = Math.imul(low, 0x01000193) + hashes[i]!;
      high = Math.imul(high, 0x85ebca6b) ^ hashes[i]!;
    }
    yield [start, (mix(high) >>> 12) * 2 ** 32 + mix(low)];
  }
}

function placesOf(
  places: Map<number, Map<number, number[]>>,
  length: number,
  hash: number,
): number[] {
  let byHash = places.get(length);
  if (!byHash) places.set(length, (byHash = new Map()));
  let found = byHash.get(hash);
  if (!found) byHash.set(hash, (found = []));
  return found;
}
