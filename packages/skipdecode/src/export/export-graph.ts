import {
  type AttentionInput,
  type Decoder,
  type Emission,
  type Graph,
  GraphBuilder,
  hiddenScore,
  type Value,
  type WeightSource,
} from "@postgrad/model";

/**
 * A whole decoder in one graph with its cache as inputs and outputs, by the names that transformers.js and Optimum use.
 *
 * - in: `input_ids`, `position_ids` [batch, sequence] int64; `attention_mask` [batch, total] int64, 1 where there is a token;
 *   `past_key_values.N.key`, `past_key_values.N.value` [batch, kvHeads, past, headDim], `past` 0 at first
 * - out: `logits` [batch, sequence, vocabSize]; `present.N.key`, `present.N.value` [batch, kvHeads, total, headDim]
 */
export function exportGraph(decoder: Decoder, source: WeightSource): Graph {
  const builder = new GraphBuilder("decoder");
  const ids = builder.input("input_ids", "int64", ["batch", "sequence"]);
  const seen = builder.input("attention_mask", "int64", ["batch", "past + sequence"]);
  const positions = builder.input("position_ids", "int64", ["batch", "sequence"]);
  const pasts = Array.from({ length: decoder.layers }, (_, layer) =>
    pastOf(builder, decoder, layer),
  );
  const [idsFirst, positionsFirst] = [ids, positions].map((x) => builder.transpose(x, [1, 0]));
  const masks = new Map<number | undefined, Value>();
  const attend = (input: AttentionInput): Value => {
    const window = decoder.window(input.layer);
    const mask = masks.get(window) ?? maskOf(builder, seen, window);
    masks.set(window, mask);
    return attention(builder, decoder, input, pasts[input.layer]!, mask);
  };
  const rotary = decoder.rotaryDim > 0 ? decoder.rotaryTables(builder, positionsFirst!) : undefined;
  const emission: Emission = { builder, weights: source(builder), rotary, attend };
  let hidden = decoder.embed(emission, idsFirst!, positionsFirst!);
  for (let layer = 0; layer < decoder.layers; layer++)
    hidden = decoder.layer(emission, layer, hidden);
  builder.output("logits", builder.transpose(decoder.head(emission, hidden), [1, 0, 2]));
  return builder.finish();
}

interface Past {
  readonly key: Value;
  readonly value: Value;
}

function pastOf(builder: GraphBuilder, { kvHeads, headDim }: Decoder, layer: number): Past {
  const shape = ["batch", kvHeads, "past", headDim];
  const input = (part: string): Value =>
    builder.input(`past_key_values.${layer}.${part}`, "float32", shape);
  return { key: input("key"), value: input("value") };
}

/** [batch, 1, 1, sequence, total]: 0 where a token may look, a score that hides where not. */
function maskOf(builder: GraphBuilder, seen: Value, window: number | undefined): Value {
  const total = builder.lengthOf("past + sequence");
  const first = builder.sub(total, builder.lengthOf("sequence"));
  const columns = rangeOf(builder, builder.constant("int64", [0]), total, "past + sequence");
  const own = builder.unsqueeze(rangeOf(builder, first, total, "sequence"), [1]);
  const distance = builder.sub(own, columns);
  const earlier = builder.node("GreaterOrEqual", [distance, builder.constant("int64", 0)]);
  const near =
    window === undefined
      ? earlier
      : builder.node("And", [
          earlier,
          builder.node("Less", [distance, builder.constant("int64", window)]),
        ]);
  const there = builder.node("Greater", [
    builder.unsqueeze(seen, [1]),
    builder.constant("int64", 0),
  ]);
  const visible = builder.node("And", [near, there]); // [batch, sequence, total]
  const mask = builder.node("Where", [
    visible,
    builder.constant("float32", 0),
    builder.constant("float32", hiddenScore),
  ]);
  return builder.unsqueeze(mask, [1, 2]);
}

function rangeOf(builder: GraphBuilder, start: Value, end: Value, length: string): Value {
  const scalar = (value: Value): Value =>
    builder.node("Squeeze", [value], {}, { outputs: [{ type: "int64", shape: [] }] });
  return builder.node(
    "Range",
    [scalar(start), scalar(end), builder.constant("int64", 1)],
    {},
    { outputs: [{ type: "int64", shape: [length] }] },
  );
}

function attention(
  builder: GraphBuilder,
  { heads, kvHeads, headDim }: Decoder,
  { layer, query, key, value }: AttentionInput,
  past: Past,
  mask: Value,
): Value {
  const joined = (name: "key" | "value", x: Value): Value => {
    const split = builder.reshape(x, ["sequence", "batch", kvHeads, headDim]);
    const rows = builder.transpose(split, [1, 2, 0, 3]);
    const whole = builder.node(
      "Concat",
      [past[name], rows],
      { axis: 2 },
      { outputs: [{ type: "float32", shape: ["batch", kvHeads, "past + sequence", headDim] }] },
    );
    builder.output(`present.${layer}.${name}`, whole);
    return builder.unsqueeze(whole, [2]);
  };
  const grouped = builder.reshape(query, ["sequence", "batch", kvHeads, heads / kvHeads, headDim]);
  const queries = builder.transpose(grouped, [1, 2, 3, 0, 4]);
  const keys = builder.transpose(joined("key", key), [0, 1, 2, 4, 3]);
  const scores = builder.add(builder.node("MatMul", [queries, keys]), mask);
  const weights = builder.node("Softmax", [scores], { axis: -1 });
  const attended = builder.node("MatMul", [weights, joined("value", value)]);
  const back = builder.transpose(attended, [3, 0, 1, 2, 4]);
  return builder.reshape(back, ["sequence", "batch", heads * headDim]);
}
