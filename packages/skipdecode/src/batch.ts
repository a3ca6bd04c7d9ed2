import { KeyValueCache } from "./cache.ts";
import type { Conversation } from "./conversation.ts";
import { aligned, type Flow } from "./flow.ts";
import type { GenerateEvent } from "./generate.ts";
import type { Network } from "./network.ts";
import { lastPlaces, prefill } from "./prefill.ts";
import type { Row } from "./row.ts";
import { type LayerSchedule, range } from "./schedule/layer-schedule.ts";

/** One generation: rows that are checked, and the network that they share. */
export interface Generation {
  readonly network: Network;
  readonly rows: readonly Row[];
  readonly schedule: LayerSchedule;
  readonly conversation?: Conversation | undefined;
  /** True as soon as the generation has to end. */
  readonly isAborted: () => boolean;
}

/** The most new tokens that a row of the generation may have. */
export const longest = ({ rows }: Generation): number =>
  Math.max(...rows.map(({ request }) => request.maxNewTokens));

/** The rows of a generation that are still running, their cache, and the logits that the next tokens are chosen from. */
export class Batch {
  readonly #run: Generation;
  #live: readonly Row[];
  #cache: KeyValueCache;
  #logits: readonly Float32Array[] = [];

  private constructor(run: Generation, cache: KeyValueCache) {
    this.#run = run;
    this.#live = run.rows;
    this.#cache = cache;
  }

  /** The rows that are still running. */
  get live(): readonly Row[] {
    return this.#live;
  }

  /** Reads the prompts. */
  static async start(run: Generation): Promise<Batch> {
    const { rows, schedule, conversation, network } = run;
    const known = conversation?.recall(rows[0]!.request.prompt, network.decoder);
    const batch = new Batch(run, known?.cache ?? newCache(network, rows));
    const after = new Set(conversation ? range(0, schedule.layers) : schedule.layersAt(0));
    await batch.#read(schedule.prompt, known?.length ?? 0, (layer) => after.has(layer));
    return batch;
  }

  /** Chooses a token for each live row. */
  *take(layers: number): Generator<GenerateEvent, void> {
    for (const [i, row] of this.#live.entries()) {
      const logits = this.#logits[i];
      if (!logits) return; // aborted before there were any
      yield* row.take(row.choose(logits), logits, layers);
    }
  }

  /** Ends the rows whose signal says so, or all. */
  *abortWhereAsked(): Generator<GenerateEvent, void> {
    const isOver = this.#run.isAborted();
    for (const row of this.#live) {
      if (!row.isFinished && (isOver || row.request.signal?.aborted)) yield row.abort();
    }
  }

  /** Lets finished rows leave; false where none is left. */
  compact(): boolean {
    const stay = [...this.#live.keys()].filter((i) => !this.#live[i]!.isFinished);
    if (stay.length === 0) return false;
    if (stay.length < this.#live.length) {
      this.#cache.keepRows(stay);
      this.#live = stay.map((i) => this.#live[i]!);
    }
    return true;
  }

  /** Releases the caches of layers that no later token enters, unless a conversation goes on from them. */
  freeAllBut(layers: readonly number[]): void {
    if (this.#run.conversation) return;
    for (const layer of range(0, this.#run.schedule.layers)) {
      if (!layers.includes(layer)) this.#cache.free(layer);
    }
  }

  /** Reads the last token of each live row through `layers`; returns how many layers that took. */
  async step(layers: readonly number[]): Promise<number> {
    return this.stepBy(async (flow, cache) => {
      const { network } = this.#run;
      const top = await network.through(flow, layers, cache);
      return { logits: await network.head(top, lastPlaces(top)), layers: layers.length };
    });
  }

  /** Reads the last token of each live row in the way of `up`; returns how many layers that took. */
  async stepBy(
    up: (flow: Flow, cache: KeyValueCache) => Promise<{ logits: Float32Array[]; layers: number }>,
  ): Promise<number> {
    const { network, schedule } = this.#run;
    if (this.changesRegime(1)) {
      // Keys cached so far carry other rotations: everything is read again, by the full network.
      this.#cache = newCache(network, this.#live);
      await this.#read(range(0, schedule.layers), 0, () => true);
      return schedule.layers;
    }
    const ids = this.#live.map(({ tokens }) => Int32Array.of(tokens.at(-1)!));
    const positions = this.#live.map(({ length }) => Int32Array.of(length - 1));
    const { logits, layers } = await up(
      await network.embed({ ids, positions }, this.#cache),
      this.#cache,
    );
    this.#cache.advance(positions);
    this.#logits = logits;
    return layers;
  }

  /**
   * Reads `tokens` of each live row, as many of each, `offset` places behind the row's last token on; returns the logits
   * after each of them, row by row.
   */
  async read(
    tokens: readonly (readonly number[])[],
    layers: readonly number[],
    offset = 0,
  ): Promise<Float32Array[][]> {
    const { network } = this.#run;
    const starts = this.#live.map(({ length }) => length - 1 + offset);
    const pass = aligned(tokens, starts, "left");
    const flow = await network.embed(pass, this.#cache);
    const top = await network.through(flow, layers, this.#cache);
    this.#cache.advance(pass.positions);
    const rows = tokens.length;
    const logits = await network.head(top, range(0, rows * tokens[0]!.length));
    return range(0, rows).map((row) => logits.filter((_, place) => place % rows === row));
  }

  /** Makes everything that was read behind each live row's certain tokens as if it had never been. */
  forgetUncertain(): void {
    for (const [i, { length }] of this.#live.entries()) this.#cache.forget(i, length - 1);
  }

  /** Whether the rotations of a live row change while the next `tokens` are read, which makes its cached keys useless. */
  changesRegime(tokens: number): boolean {
    const { decoder } = this.#run.network;
    const regime = (length: number): string => decoder.rotaryRegime(length);
    return this.#live.some(({ length }) => regime(length - 1 + tokens) !== regime(length - 1));
  }

  /** Leaves behind what a conversation can go on from. */
  end(): void {
    const { conversation, schedule, rows } = this.#run;
    conversation?.remember(rows[0]!, this.#cache, schedule);
  }

  /** Reads all tokens of the live rows but the first `known` ones. */
  async #read(
    layers: readonly number[],
    known: number,
    isKept: (layer: number) => boolean,
  ): Promise<void> {
    this.#logits = await prefill({
      network: this.#run.network,
      cache: this.#cache,
      sequences: this.#live.map(({ sequence }) => sequence.slice(known)),
      starts: this.#live.map(() => known),
      layers,
      isKept,
      isAborted: this.#run.isAborted,
    });
  }
}

function newCache({ decoder }: Network, rows: readonly Row[]): KeyValueCache {
  const { kvHeads, headDim } = decoder;
  const columns = Math.max(...rows.map(({ length }) => length));
  const extra = Math.max(...rows.map(({ request }) => request.maxNewTokens));
  return new KeyValueCache(
    { rows: rows.length, kvHeads, headDim },
    columns + Math.min(extra, 256) + 1,
  );
}
