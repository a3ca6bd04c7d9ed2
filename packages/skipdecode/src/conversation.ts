import type { Decoder } from "@postgrad/model";

import type { KeyValueCache } from "./cache.ts";
import type { Row } from "./row.ts";
import type { LayerSchedule } from "./schedule/layer-schedule.ts";

/**
 * Keeps the keys and values of one row between generations, so that the next turn reads only what is new. What the full
 * network has computed is kept; tokens that were generated with layers left out are read again, since the next turn's
 * prompt needs every layer at every position.
 */
export class Conversation {
  #tokens: readonly number[] = [];
  #cache: KeyValueCache | undefined;

  /** Tokens whose keys and values are held. */
  get length(): number {
    return this.#cache ? this.#tokens.length : 0;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#tokens = [];
    this.#cache = undefined;
  }

  /** The cache, cut to the beginning that `prompt` shares with it; at least one token of the prompt stays to be read. */
  recall(
    prompt: readonly number[],
    decoder: Pick<Decoder, "rotaryRegime">,
  ): { cache: KeyValueCache; length: number } | undefined {
    const cache = this.#cache;
    const tokens = this.#tokens;
    this.clear(); // whoever recalls it writes into it
    if (!cache) return undefined;
    let length = 0;
    while (length < prompt.length - 1 && tokens[length] === prompt[length]) length++;
    const isUsable = decoder.rotaryRegime(tokens.length) === decoder.rotaryRegime(prompt.length);
    if (length === 0 || !isUsable) return undefined;
    cache.forget(0, length);
    return { cache, length };
  }

  /** Takes over a row's cache after a generation. */
  remember(row: Row, cache: KeyValueCache, schedule: LayerSchedule): void {
    const isWhole = (set: readonly number[]): boolean => set.length === schedule.layers;
    if (!isWhole(schedule.prompt)) return;
    const sequence = row.sequence;
    // The last token was chosen but not read.
    const read = cache.lengthOf(0);
    const whole = isWhole(schedule.layersAt(0)) && isWhole(schedule.layersAt(schedule.settledAt));
    this.#tokens = sequence.slice(0, whole ? read : Math.min(read, row.request.prompt.length));
    cache.forget(0, this.#tokens.length);
    this.#cache = cache;
  }
}
