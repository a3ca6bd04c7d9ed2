import type {
  AttentionInput,
  Decoder,
  Dimension,
  GraphBuilder,
  RotaryTables,
  Value,
  Weights,
} from "@postgrad/model";
import { productOf } from "@postgrad/model";

import type { Formula } from "../autodiff/gradients.ts";
import { causalAttention } from "./causal-attention.ts";
import { causalMask } from "./mask.ts";

/** The tokens that one layer runs over: the first `length` positions of each row. */
interface Extent {
  readonly length: Dimension;
  readonly places: Value;
  readonly segments?: Value | undefined;
  readonly rotary?: RotaryTables | undefined;
}

/**
 * From ids to the last hidden states [batch * sequence, width]. Tokens are flat, row after row, through everything but
 * attention: families see them as that many tokens of a batch of one.
 *
 * With `prefixed`, layer l runs the first `prefix[l][row]` positions of each row and passes the others by, exactly as in
 * decoding under a skip schedule: what uses a layer is a prefix of the row, because exit points never rise.
 */
export function emitHidden(
  builder: GraphBuilder,
  decoder: Decoder,
  weights: Weights,
  { packed, prefixed }: { readonly packed: boolean; readonly prefixed: boolean },
  formulas: Formula[],
): Value {
  const rows = ["batch", "sequence"];
  const [ids, positions] = ["input_ids", "position_ids"].map((name) =>
    builder.input(name, "int64", rows),
  );
  const places = builder.input("places", "int64", ["sequence"]);
  const segments = packed ? builder.input("segment_ids", "int64", rows) : undefined;
  const prefix = prefixed ? builder.input("prefix", "int64", [decoder.layers, "batch"]) : undefined;
  const flat = (x: Value): Value => builder.reshape(x, ["batch * sequence", 1]);
  const rotary = decoder.rotaryDim > 0 ? flatTables(builder, decoder, positions!) : undefined;
  const all: Extent = { length: "sequence", places, segments, rotary };
  const masks = maskMaker(builder, decoder);
  const attendOver = (extent: Extent) => (input: AttentionInput) => {
    const at = { batch: "batch", length: extent.length, mask: masks(extent, input.layer) };
    const { output, formula } = causalAttention(builder, decoder, input, at);
    formulas.push(formula);
    return output;
  };
  const through = (extent: Extent, layer: number, hidden: Value): Value =>
    decoder.layer(
      { builder, weights, rotary: extent.rotary, attend: attendOver(extent) },
      layer,
      hidden,
    );
  let hidden = decoder.embed(
    { builder, weights, rotary, attend: attendOver(all) },
    flat(ids!),
    flat(positions!),
  );
  for (let layer = 0; layer < decoder.layers; layer++) {
    hidden = prefix
      ? throughPrefix(builder, all, prefix, layer, hidden, through)
      : through(all, layer, hidden);
  }
  return builder.reshape(hidden, ["batch * sequence", decoder.hiddenSize]);
}

/** One mask for each extent and window. */
function maskMaker(
  builder: GraphBuilder,
  decoder: Decoder,
): (extent: Extent, layer: number) => Value {
  const masks = new Map<string, Value>();
  return ({ length, places, segments }, layer) => {
    const window = decoder.window(layer);
    const key = `${length} ${window}`;
    const mask = masks.get(key) ?? causalMask(builder, places, segments, window);
    masks.set(key, mask);
    return mask;
  };
}

/** Tables for flat tokens. They are made position-major first, because some scalings look at the length of each row. */
function flatTables(builder: GraphBuilder, decoder: Decoder, positions: Value): RotaryTables {
  const { cos, sin } = decoder.rotaryTables(builder, builder.transpose(positions, [1, 0]));
  const flat = (table: Value): Value =>
    builder.reshape(builder.transpose(table, [1, 0, 2]), ["batch * sequence", 1, table.shape[2]!]);
  return { cos: flat(cos), sin: flat(sin) };
}

/** `hidden` with the layer run on the first positions of each row, the others as they were. */
function throughPrefix(
  builder: GraphBuilder,
  { places, segments, rotary }: Extent,
  prefix: Value,
  layer: number,
  hidden: Value,
  through: (extent: Extent, layer: number, hidden: Value) => Value,
): Value {
  const width = hidden.shape[2]!;
  const length = `run.${layer}`;
  const counts = builder.reshape(builder.slice(prefix, 0, layer, layer + 1), ["batch", 1]);
  // A layer that nobody runs runs one position, which is thrown away: no operator meets an empty tensor.
  const longest = builder.node("Max", [
    builder.reshape(builder.reduce("ReduceMax", counts, [0]), [1]),
    builder.constant("int64", [1]),
  ]);
  const first = (x: Value, tail: readonly Dimension[]): Value => {
    const rows = builder.reshape(x, ["batch", "sequence", ...tail]);
    const cut = builder.slice(rows, 1, 0, longest, length);
    return builder.reshape(cut, [productOf(["batch", length]), 1, ...tail]);
  };
  const firstRows = (x: Value): Value => builder.slice(x, 1, 0, longest, length);
  const extent: Extent = {
    length,
    places: builder.slice(places, 0, 0, longest, length),
    segments: segments && firstRows(segments),
    rotary: rotary && {
      cos: first(rotary.cos, [rotary.cos.shape[2]!]),
      sin: first(rotary.sin, [rotary.sin.shape[2]!]),
    },
  };
  const before = first(hidden, [width]);
  const after = through(extent, layer, before);
  const runs = builder.unsqueeze(builder.node("Less", [extent.places, counts]), [2]);
  const asRows = (x: Value): Value => builder.reshape(x, ["batch", length, width]);
  const merged = builder.node("Where", [runs, asRows(after), asRows(before)]);
  const rows = builder.reshape(hidden, ["batch", "sequence", width]);
  const rest = builder.slice(rows, 1, longest, builder.lengthOf("sequence"), `rest.${layer}`);
  const whole = builder.node(
    "Concat",
    [merged, rest],
    { axis: 1 },
    {
      outputs: [{ type: "float32", shape: ["batch", "sequence", width] }],
    },
  );
  return builder.reshape(whole, hidden.shape);
}
