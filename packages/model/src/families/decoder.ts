import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";

/** A linear layer of the checkpoint: weight [out, in] and, where it has one, bias [out], by the names of their tensors. */
export interface Linear {
  readonly weight: string;
  readonly bias?: string | undefined;
}

/** How a graph gets at the weights: as initializers, quantised or not, or as inputs that are trained. */
export interface Weights {
  /** The tensor as float32, in the shape that the decoder's `tensors` states. */
  tensor(name: string): Value;
  /** Rows of an embedding [entries, width] as float32: one for each element of `ids`. */
  rows(name: string, ids: Value): Value;
  /** `x` [..., in] through each of `linears`: values [..., out], in order. They may be computed as one product. */
  linear(x: Value, linears: readonly Linear[]): readonly Value[];
}

/** Queries, keys and values of the tokens at hand, before they meet. */
export interface AttentionInput {
  readonly layer: number;
  /** [tokens, batch, heads * headDim], rotated and scaled. */
  readonly query: Value;
  /** [tokens, batch, kvHeads * headDim], rotated. */
  readonly key: Value;
  /** [tokens, batch, kvHeads * headDim]. */
  readonly value: Value;
}

/** What a family writes its graph with. Hidden states are position-major: [tokens, batch, width]. */
export interface Emission {
  readonly builder: GraphBuilder;
  readonly weights: Weights;
  /** Cosines and sines of the positions at hand, [tokens, batch, rotaryDim / 2]; families with learned positions have none. */
  readonly rotary?: RotaryTables | undefined;
  /** Attention over everything that the tokens may see: [tokens, batch, heads * headDim]. */
  attend(input: AttentionInput): Value;
}

/** Cosines and sines of rotary position embedding. */
export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

/** The sizes of a decoder. */
export interface DecoderSizes {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; each serves `heads / kvHeads` query heads. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** The longest sequence that the model is made for. */
  readonly maxPositions: number;
}

/**
 * A decoder as its family and its configuration define it: sizes, tensors, and the graph in three pieces. The pieces are
 * the only definition; decode graphs and training graphs are both emitted from them.
 */
export interface Decoder extends DecoderSizes {
  /** `model_type` of the configuration. */
  readonly family: string;
  /** Every tensor of the checkpoint and its shape. A tied head has no tensor of its own. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  /** Linear layers, those that share an input together: what weight formats convert. */
  readonly projections: readonly (readonly Linear[])[];
  /** All of them, one by one. */
  readonly linears: readonly Linear[];
  /** How many dimensions of a head are rotated; 0 where positions are learned. */
  readonly rotaryDim: number;
  /** How many of the last positions layer `layer` sees, itself included; undefined: all. */
  window(layer: number): number | undefined;
  /** Cosines and sines for `positions` [tokens, batch] int64. */
  rotaryTables(builder: GraphBuilder, positions: Value): RotaryTables;
  /**
   * Names the set of rotary frequencies in use when a row is `length` positions long. Keys that were cached under another
   * name have to be computed again. Constant but for dynamic scaling and longrope.
   */
  rotaryRegime(length: number): string;
  /** `ids` and `positions` [tokens, batch] int64 to hidden states [tokens, batch, hiddenSize]. */
  embed(emission: Emission, ids: Value, positions: Value): Value;
  /** Hidden states through one layer. */
  layer(emission: Emission, index: number, hidden: Value): Value;
  /** Hidden states [..., hiddenSize] to logits [..., vocabSize]. */
  head(emission: Emission, hidden: Value): Value;
}

/** One model family: how its configuration is read. Adding one is a file beside this and a line in `families/index.ts`. */
export interface Family {
  /** The `model_type` values that name it. */
  readonly modelTypes: readonly string[];
  /** The `architectures` entry of its causal language model. */
  readonly architecture: string;
  /** Reads a configuration; throws `model/unsupported` for what would change the result and is not supported. */
  decoder(config: Readonly<Record<string, unknown>>): Decoder;
}

/** The sizes of `options`, without what else it holds. */
export const sizesOf = (options: DecoderSizes): DecoderSizes => ({
  vocabSize: options.vocabSize,
  hiddenSize: options.hiddenSize,
  layers: options.layers,
  heads: options.heads,
  kvHeads: options.kvHeads,
  headDim: options.headDim,
  maxPositions: options.maxPositions,
});
