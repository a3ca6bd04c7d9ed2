import type { AttentionInput, DecoderSizes } from "../families/decoder.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import { productOf } from "../graph/dimension.ts";
import type { Value } from "../graph/graph.ts";

/**
 * Attention of new tokens over a cache and over each other, without joining the two: scores against both are laid end to
 * end, and their softmax is cut again. Adds the graph's inputs `past_key.N`, `past_value.N` and outputs `key.N`, `value.N`.
 *
 * Keys and values are position-major, [position, batch, kvHeads, headDim]: FusedMatMul's batch transposition reads them in
 * place. The queries of the heads that share one are the rows of one product, so that the cache is read once for them.
 */
export function cachedAttention(
  builder: GraphBuilder,
  { heads, kvHeads, headDim }: DecoderSizes,
  { layer, query, key, value }: AttentionInput,
  mask: Value,
): Value {
  const cache = ["past", "batch", kvHeads, headDim];
  const pastKey = builder.input(`past_key.${layer}`, "float32", cache);
  const pastValue = builder.input(`past_value.${layer}`, "float32", cache);
  const [newKey, newValue] = [key, value].map((x) =>
    builder.reshape(x, ["tokens", "batch", kvHeads, headDim]),
  );
  builder.output(`key.${layer}`, newKey!);
  builder.output(`value.${layer}`, newValue!);

  const group = heads / kvHeads;
  const grouped = builder.reshape(query, ["tokens", "batch", kvHeads, group, headDim]);
  const rows = productOf([group, "tokens"]);
  const queries = builder.reshape(builder.transpose(grouped, [1, 2, 3, 0, 4]), [
    "batch",
    kvHeads,
    rows,
    headDim,
  ]);
  const [past, recent] = [pastKey, newKey!].map((keys) => product(builder, queries, keys, 1));
  const scores = builder.concat([past!, recent!], -1);
  const shape = ["batch", kvHeads, group, "tokens", "past + tokens"];
  const masked = builder.add(builder.reshape(scores, shape), mask);
  const weights = builder.reshape(builder.node("Softmax", [masked], { axis: -1 }), scores.shape);
  const [pastLength, end] = [builder.lengthOf("past"), builder.lengthOf("past + tokens")];
  const pastSeen = product(
    builder,
    builder.slice(weights, -1, 0, pastLength, "past"),
    pastValue,
    0,
  );
  const recentSeen = product(
    builder,
    builder.slice(weights, -1, pastLength, end, "tokens"),
    newValue!,
    0,
  );
  const seen = builder.reshape(builder.add(pastSeen, recentSeen), [
    "batch",
    kvHeads,
    group,
    "tokens",
    headDim,
  ]);
  return builder.reshape(builder.transpose(seen, [3, 0, 1, 2, 4]), [
    "tokens",
    "batch",
    heads * headDim,
  ]);
}

/** Rows [batch, kvHeads, rows, n] times a position-major matrix [positions, batch, kvHeads, headDim], transposed or not. */
const product = (builder: GraphBuilder, rows: Value, matrix: Value, transB: 0 | 1): Value =>
  builder.node(
    "FusedMatMul",
    [rows, matrix],
    { transBatchB: 1, transB },
    { domain: "com.microsoft" },
  );

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
