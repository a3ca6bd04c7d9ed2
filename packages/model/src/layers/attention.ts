import type { AttentionInput, DecoderSizes } from "../families/decoder.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";

/**
 * Attention of new tokens over a cache and over each other, without joining the two: scores against both are laid end to
 * end, and their softmax is cut again. Adds the graph's inputs `past_key.N`, `past_value.N` and outputs `key.N`, `value.N`.
 *
 * Everything is position-major, [position, batch, kvHeads, heads per kv head, headDim]: FusedMatMul's batch transposition
 * reads it in place, so neither cache nor queries are copied.
 */
export function cachedAttention(
  builder: GraphBuilder,
  sizes: DecoderSizes,
  { layer, query, key, value }: AttentionInput,
  mask: Value,
): Value {
  const { heads, kvHeads, headDim } = sizes;
  const cache = ["past", "batch", kvHeads, headDim];
  const pastKey = builder.input(`past_key.${layer}`, "float32", cache);
  const pastValue = builder.input(`past_value.${layer}`, "float32", cache);
  const [newKey, newValue] = [key, value].map((x) =>
    builder.reshape(x, ["tokens", "batch", kvHeads, headDim]),
  );
  builder.output(`key.${layer}`, newKey!);
  builder.output(`value.${layer}`, newValue!);

  const grouped = builder.reshape(query, ["tokens", "batch", kvHeads, heads / kvHeads, headDim]);
  const [scoresPast, scoresNew] = [pastKey, newKey!].map((keys) =>
    builder.node(
      "FusedMatMul",
      [grouped, builder.unsqueeze(keys, [3])],
      { transBatchA: 1, transBatchB: 1, transB: 1 },
      { domain: "com.microsoft" },
    ),
  );
  const scores = builder.add(builder.concat([scoresPast!, scoresNew!], -1), mask);
  const weights = builder.node("Softmax", [scores], { axis: -1 });
  const past = builder.lengthOf("past");
  const end = builder.lengthOf("past + tokens");
  const parts = [
    builder.slice(weights, -1, 0, past, "past"),
    builder.slice(weights, -1, past, end, "tokens"),
  ];
  const [seenPast, seenNew] = [pastValue, newValue!].map((values, index) =>
    builder.node(
      "FusedMatMul",
      [parts[index], builder.unsqueeze(values, [3])],
      { transBatchB: 1 },
      { domain: "com.microsoft" },
    ),
  );
  const seen = builder.transpose(builder.add(seenPast!, seenNew!), [3, 0, 1, 2, 4]);
  return builder.reshape(seen, ["tokens", "batch", heads * headDim]);
}

/** Attention of whole sequences over themselves by plain operators, for a graph that is differentiated. */
export function sequenceAttention(
  builder: GraphBuilder,
  { heads, kvHeads, headDim }: DecoderSizes,
  { query, key, value }: AttentionInput,
  mask: Value,
): Value {
  const [length, batch] = query.shape;
  const queries = builder.reshape(query, [length!, batch!, kvHeads, heads / kvHeads, headDim]);
  const [keys, values] = [key, value].map((x) =>
    builder.reshape(x, [length!, batch!, kvHeads, 1, headDim]),
  );
  const scores = builder.node("MatMul", [
    builder.transpose(queries, [1, 2, 3, 0, 4]),
    builder.transpose(keys!, [1, 2, 3, 4, 0]),
  ]);
  const weights = builder.node("Softmax", [builder.add(scores, mask)], { axis: -1 });
  const seen = builder.node("MatMul", [weights, builder.transpose(values!, [1, 2, 3, 0, 4])]);
  return builder.reshape(builder.transpose(seen, [3, 0, 1, 2, 4]), [
    length!,
    batch!,
    heads * headDim,
  ]);
}
