import * as ort from "onnxruntime-node";

import {
  type Decoder,
  embedGraph,
  type Graph,
  headGraph,
  hiddenScore,
  layersGraph,
  maskName,
  toOnnx,
  type WeightSource,
} from "../src/index.ts";

/** Opens a graph on the CPU; weights that lie in files are found there. */
export async function open(graph: Graph): Promise<ort.InferenceSession> {
  const { bytes, folder } = toOnnx(graph);
  const session = {
    intra_op: { allow_spinning: "0" },
    ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
  };
  return ort.InferenceSession.create(bytes, {
    extra: { session },
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}

/** int64 values as a tensor. */
export const int64 = (rows: readonly (readonly number[])[]): ort.Tensor =>
  new ort.Tensor("int64", BigInt64Array.from(rows.flat().map(BigInt)), [
    rows.length,
    rows[0]!.length,
  ]);

/** What one step gives. */
export interface Step {
  /** Logits of the last token of each row. */
  readonly logits: readonly Float32Array[];
  /** Hidden states behind each layer that ran, [tokens, batch, hiddenSize]. */
  readonly hidden: readonly Float32Array[];
}

/**
 * A decoder run step by step over its decode graphs, one session a layer, as plainly as possible: the reference that the
 * graphs are tested with. Rows are left-padded; `visible` says which columns of the cache are real, for each row.
 */
export class PlainDecoding {
  readonly #decoder: Decoder;
  readonly #embed: ort.InferenceSession;
  readonly #layers: readonly ort.InferenceSession[];
  readonly #head: ort.InferenceSession;
  #cache: { key: Float32Array; value: Float32Array }[] = [];
  #visible: boolean[][] = [];
  #positions: number[] = [];

  private constructor(
    decoder: Decoder,
    embed: ort.InferenceSession,
    layers: readonly ort.InferenceSession[],
    head: ort.InferenceSession,
  ) {
    this.#decoder = decoder;
    this.#embed = embed;
    this.#layers = layers;
    this.#head = head;
  }

  static async open(decoder: Decoder, source: WeightSource): Promise<PlainDecoding> {
    const layers = Array.from({ length: decoder.layers }, async (_, from) =>
      open(layersGraph(decoder, source, { from, to: from + 1 })),
    );
    return new PlainDecoding(
      decoder,
      await open(embedGraph(decoder, source)),
      await Promise.all(layers),
      await open(headGraph(decoder, source)),
    );
  }

  /** Forgets everything and starts `batch` rows. */
  start(batch: number): void {
    const { kvHeads, headDim } = this.#decoder;
    const blank = (): Float32Array => new Float32Array(batch * kvHeads * headDim);
    this.#cache = this.#layers.map(() => ({ key: blank(), value: blank() }));
    this.#visible = Array.from({ length: batch }, () => [false]); // column 0 is blank: the graphs want one
    this.#positions = Array.from({ length: batch }, () => 0);
  }

  /** Feeds the same number of tokens to each row; `real` marks those that are not padding. */
  async step(
    ids: readonly (readonly number[])[],
    active: readonly number[] = this.#layers.map((_, index) => index),
    real: readonly (readonly boolean[])[] = ids.map((row) => row.map(() => true)),
  ): Promise<Step> {
    const past = this.#visible[0]!.length;
    const positions = ids.map((row, b) =>
      row.map((_, t) => (real[b]![t] ? this.#positions[b]!++ : 0)),
    );
    for (const [b, row] of real.entries()) this.#visible[b]!.push(...row);
    let tables = await this.#embed.run({ input_ids: int64(ids), position_ids: int64(positions) });
    const hidden: Float32Array[] = [];
    for (const index of active) {
      tables = { ...tables, hidden: await this.#layer(index, tables, past) };
      hidden.push(tables["hidden"]!.data as Float32Array);
    }
    const last = ids.map((_, b) => (ids[0]!.length - 1) * ids.length + b);
    const selected = new ort.Tensor("int64", BigInt64Array.from(last.map(BigInt)), [last.length]);
    const { logits } = await this.#head.run({ hidden: tables["hidden"]!, selected });
    const { vocabSize } = this.#decoder;
    const flat = logits!.data as Float32Array;
    return { logits: ids.map((_, b) => flat.slice(b * vocabSize, (b + 1) * vocabSize)), hidden };
  }

  async #layer(
    index: number,
    tables: ort.InferenceSession.ReturnType,
    past: number,
  ): Promise<ort.Tensor> {
    const { kvHeads, headDim } = this.#decoder;
    const cache = this.#cache[index]!;
    const batch = this.#visible.length;
    const shape = [past, batch, kvHeads, headDim];
    const window = this.#decoder.window(index);
    const out = await this.#layers[index]!.run({
      ...tables,
      [maskName(window)]: this.#mask(past, window),
      [`past_key.${index}`]: new ort.Tensor(cache.key, shape),
      [`past_value.${index}`]: new ort.Tensor(cache.value, shape),
    });
    cache.key = joined(cache.key, out[`key.${index}`]!.data as Float32Array);
    cache.value = joined(cache.value, out[`value.${index}`]!.data as Float32Array);
    return out["hidden_out"]!;
  }

  #mask(past: number, window: number | undefined): ort.Tensor {
    const batch = this.#visible.length;
    const length = this.#visible[0]!.length;
    const tokens = length - past;
    const mask = new Float32Array(batch * tokens * length).fill(hiddenScore);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < tokens; t++) {
        const own = past + t;
        for (let l = Math.max(0, own + 1 - (window ?? length)); l <= own; l++) {
          if (l === own || this.#visible[b]![l]) mask[(b * tokens + t) * length + l] = 0;
        }
      }
    }
    return new ort.Tensor(mask, [batch, 1, 1, tokens, length]);
  }
}

function joined(first: Float32Array, second: Float32Array): Float32Array {
  const whole = new Float32Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The place of the greatest element. */
export const argmax = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((best, value, index) => (value > values[best]! ? index : best), 0);

/** The greatest absolute difference of elements. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(b, (value, index) => Math.abs(a[index]! - value)));

/** The log-probability of `id` under `logits`. */
export function logSoftmax(logits: Float32Array, id: number): number {
  const top = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  return logits[id]! - top - Math.log(sum);
}

/** Feeds of the full-sequence graph: all texts in one row, each its own segment, logits wanted everywhere. */
export function packed(texts: readonly (readonly number[])[]): Record<string, ort.Tensor> {
  const ids = texts.flat();
  return {
    input_ids: int64([ids]),
    position_ids: int64([texts.flatMap((text) => text.map((_, position) => position))]),
    segment_ids: int64([texts.flatMap((text, segment) => text.map(() => segment))]),
    selected: new ort.Tensor("int64", BigInt64Array.from(ids.map((_, place) => BigInt(place))), [
      ids.length,
    ]),
  };
}
