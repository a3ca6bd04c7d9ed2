import type {
  AttentionInput,
  DecoderSizes,
  Dimension,
  GraphBuilder,
  Shape,
  Value,
} from "@postgrad/model";

import type { Formula } from "../autodiff/gradients.ts";
import { fusedMatMul } from "../autodiff/rules/matrix.ts";

/** How the flat tokens of an attention lie in rows, and what each may see. */
export interface AttentionRows {
  readonly batch: Dimension;
  readonly length: Dimension;
  /** Added to the scores: broadcasts to [batch, kvHeads, heads per kv head, length, length]. */
  readonly mask: Value;
}

/**
 * Attention of whole rows over themselves, and its gradient, fused by hand. Tokens are flat, row after row.
 *
 * The heads that share keys and values are laid end to end as rows of one matrix, so that each product is one per kv head
 * and the gradients by keys and values need no sum over heads. With P = softmax(Q Kᵀ + mask), O = P V and d the row sums of
 * O * dO (which are the row sums of P * dP, at a fraction of the work):
 *
 *     dS = P * (dO Vᵀ - d)    dQ = dS K    dK = dSᵀ Q    dV = Pᵀ dO
 */
export function causalAttention(
  builder: GraphBuilder,
  sizes: DecoderSizes,
  { query, key, value }: AttentionInput,
  rows: AttentionRows,
): { readonly output: Value; readonly formula: Formula } {
  const layout = headLayout(builder, sizes, rows);
  const queries = layout.toMatrix(query, sizes.heads / sizes.kvHeads);
  const [keys, values] = [key, value].map((x) => layout.toMatrix(x, 1)) as [Value, Value];
  const scores = layout.addMask(fusedMatMul(builder, queries, keys, { transY: true }), rows.mask);
  const weights = builder.node("Softmax", [scores], { axis: -1 });
  const output = layout.toTokens(fusedMatMul(builder, weights, values), query);
  const gradient = (g: Value): readonly Value[] => {
    const back = layout.toMatrix(g, sizes.heads / sizes.kvHeads);
    const sums = layout.sumsToMatrix(builder.mul(output, g));
    const risen = builder.sub(fusedMatMul(builder, back, values, { transY: true }), sums);
    const byScores = builder.mul(weights, risen);
    return [
      layout.toTokens(fusedMatMul(builder, byScores, keys), query),
      layout.toTokens(fusedMatMul(builder, byScores, queries, { transX: true }), key),
      layout.toTokens(fusedMatMul(builder, weights, back, { transX: true }), value),
    ];
  };
  return { output, formula: { output, inputs: [query, key, value], gradient } };
}

/** The moves between flat tokens [batch * length, 1, width] and matrices [batch, kvHeads, group * length, headDim]. */
function headLayout(
  builder: GraphBuilder,
  { heads, kvHeads, headDim }: DecoderSizes,
  { batch, length }: AttentionRows,
) {
  const group = heads / kvHeads;
  const merged = group === 1 ? length : `${group} heads of ${length}`;
  const toMatrix = (x: Value, count: number, width = headDim): Value => {
    const split = builder.reshape(x, [batch, length, kvHeads, count, width]);
    const moved = builder.transpose(split, [0, 2, 3, 1, 4]);
    if (count === 1) return builder.reshape(moved, [batch, kvHeads, length, width]);
    return reshaped(builder, moved, [batch, kvHeads, merged, width], [0, kvHeads, -1, width]);
  };
  const grouped = (x: Value, width: Dimension): Value => {
    const count = x.shape[2] === length ? 1 : group;
    const shape = [batch, kvHeads, count, length, width];
    return reshaped(builder, x, shape, [-1, kvHeads, count, length, width]);
  };
  return {
    toMatrix,
    toTokens: (x: Value, like: Value): Value =>
      builder.reshape(builder.transpose(grouped(x, headDim), [0, 3, 1, 2, 4]), like.shape),
    /** Sums over each head's width: [batch, kvHeads, group * length, 1]. */
    sumsToMatrix: (x: Value): Value => {
      const split = builder.reshape(x, [batch, length, heads, headDim]);
      return toMatrix(builder.reduce("ReduceSum", split, [3]), group, 1);
    },
    addMask: (scores: Value, mask: Value): Value => {
      const summed = builder.add(grouped(scores, length), mask);
      if (group === 1) return builder.reshape(summed, scores.shape);
      const size = builder.lengthOf(length);
      return reshaped(builder, summed, scores.shape, [0, kvHeads, -1, size]);
    },
  };
}

/** Reshape to a `shape` whose symbols the builder cannot multiply: `target` says it to the runtime. */
function reshaped(
  builder: GraphBuilder,
  x: Value,
  shape: Shape,
  target: readonly (Dimension | Value)[],
): Value {
  const parts = target.map((part) =>
    typeof part === "number"
      ? builder.constant("int64", [part])
      : typeof part === "string"
        ? builder.lengthOf(part)
        : part,
  );
  const whole = target.every((part) => typeof part === "number")
    ? builder.constant("int64", target)
    : builder.concat(parts, 0);
  return builder.node("Reshape", [x, whole], {}, { outputs: [{ type: x.type, shape }] });
}
