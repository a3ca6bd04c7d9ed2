import type {
  AttentionInput,
  Decoder,
  Emission,
  RotaryTables,
  Weights,
} from "./families/decoder.ts";
import { GraphBuilder } from "./graph/builder.ts";
import type { Graph, Value } from "./graph/graph.ts";
import { cachedAttention } from "./layers/attention.ts";

/** Makes the weights of one graph: initializers of some format. */
export type WeightSource = (builder: GraphBuilder) => Weights;

/** A run of layers, `from` inclusive, `to` exclusive. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The graph from ids to hidden states.
 *
 * - in: `input_ids`, `position_ids` [batch, tokens] int64
 * - out: `hidden` [tokens, batch, hiddenSize]; with rotary positions `cos` and `sin` [tokens, batch, rotaryDim / 2]
 */
export function embedGraph(decoder: Decoder, source: WeightSource): Graph {
  const builder = new GraphBuilder("embed");
  const ids = builder.input("input_ids", "int64", ["batch", "tokens"]);
  const positions = builder.input("position_ids", "int64", ["batch", "tokens"]);
  const emission = emissionOf(builder, source);
  const [idsFirst, positionsFirst] = [ids, positions].map((x) => builder.transpose(x, [1, 0]));
  builder.output("hidden", decoder.embed(emission, idsFirst!, positionsFirst!));
  if (decoder.rotaryDim > 0) {
    const { cos, sin } = decoder.rotaryTables(builder, positionsFirst!);
    builder.output("cos", cos);
    builder.output("sin", sin);
  }
  return builder.finish();
}

/**
 * The graph of a run of layers over a cache of keys and values. It serves prefill (many tokens), decoding (one) and the
 * verification of drafts (a few) alike; only the keys and values of the new tokens come back, and the caller appends them.
 *
 * - in: `hidden`, and with rotary positions `cos` and `sin`, as `embedGraph` gives them;
 *   `mask` (layers with a sliding window W: `mask.W`) [batch or 1, 1, 1, tokens or 1, past + tokens] float32, added to the scores: 0 where a token may look, -1e9 where not;
 *   `past_key.N`, `past_value.N` [past, batch, kvHeads, headDim] for each layer N. `past` is at least 1: a first
 *   step feeds one position of zeros and masks it
 * - out: `hidden_out` [tokens, batch, hiddenSize]; `key.N`, `value.N` [tokens, batch, kvHeads, headDim]
 *
 * The cache is position-major: positions 0 to n - 1 are one contiguous piece, whatever the capacity behind them.
 */
export function layersGraph(
  decoder: Decoder,
  source: WeightSource,
  { from, to }: LayerRange,
): Graph {
  const builder = new GraphBuilder(`layers ${from} to ${to - 1}`);
  const hidden = builder.input("hidden", "float32", ["tokens", "batch", decoder.hiddenSize]);
  const rotary = decoder.rotaryDim > 0 ? rotaryInputs(builder, decoder) : undefined;
  const masks = new Map<string, Value>();
  const attend = (input: AttentionInput): Value => {
    const name = maskName(decoder.window(input.layer));
    const mask =
      masks.get(name) ?? builder.input(name, "float32", ["?", 1, 1, "?", "past + tokens"]);
    masks.set(name, mask);
    return cachedAttention(builder, decoder, input, mask);
  };
  const emission = { ...emissionOf(builder, source), rotary, attend };
  let current = hidden;
  for (let index = from; index < to; index++) current = decoder.layer(emission, index, current);
  builder.output("hidden_out", current);
  return builder.finish();
}

/**
 * The graph from hidden states to logits, for chosen tokens only.
 *
 * - in: `hidden` [tokens, batch, hiddenSize]; `selected` [selected] int64: token * batch + row of each wanted place
 * - out: `logits` [selected, vocabSize]
 */
export function headGraph(decoder: Decoder, source: WeightSource): Graph {
  const builder = new GraphBuilder("head");
  const hidden = builder.input("hidden", "float32", ["tokens", "batch", decoder.hiddenSize]);
  const selected = builder.input("selected", "int64", ["selected"]);
  const rows = builder.reshape(hidden, ["batch * tokens", decoder.hiddenSize]);
  const chosen = builder.node("Gather", [rows, selected], { axis: 0 });
  builder.output("logits", decoder.head(emissionOf(builder, source), chosen));
  return builder.finish();
}

function emissionOf(builder: GraphBuilder, source: WeightSource): Emission {
  const attend = (): Value => {
    throw new TypeError("only layers attend");
  };
  return { builder, weights: source(builder), attend };
}

/** The mask input of layers with this sliding window: `mask`, or `mask.4096` for a window of 4096. */
export const maskName = (window: number | undefined): string =>
  window === undefined ? "mask" : `mask.${window}`;

function rotaryInputs(builder: GraphBuilder, { rotaryDim }: Decoder): RotaryTables {
  const shape = ["tokens", "batch", rotaryDim / 2];
  return {
    cos: builder.input("cos", "float32", shape),
    sin: builder.input("sin", "float32", shape),
  };
}
