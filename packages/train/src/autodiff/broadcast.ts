import {
  type Dimension,
  type GraphBuilder,
  productOf,
  type Shape,
  type Value,
} from "@postgrad/model";

/** Undoes a broadcast: sums `gradient` over the axes along which an operand of `shape` was repeated. */
export function summedTo(builder: GraphBuilder, gradient: Value, shape: Shape): Value {
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((length, axis) =>
    axis < extra || (shape[axis - extra] === 1 && length !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return gradient;
  const leading = axes.every((axis, index) => axis === index);
  const summed = leading
    ? sumOfRows(builder, gradient, axes.length)
    : builder.reduce("ReduceSum", gradient, axes);
  return builder.reshape(summed, shape);
}

/** The sum over the first `count` axes. A product with ones: ReduceSum over outer axes runs on one thread and ten times slower. */
export function sumOfRows(builder: GraphBuilder, x: Value, count: number): Value {
  const kept = x.shape.slice(count);
  const rows = productOf(x.shape.slice(0, count));
  const width = productOf(kept);
  // The builder multiplies no symbols that are products already; the runtime counts the rows itself.
  const flat =
    typeof width === "number" && x.shape.length !== 2
      ? builder.node(
          "Reshape",
          [x, builder.constant("int64", [-1, width])],
          {},
          {
            outputs: [{ type: x.type, shape: [rows, width] }],
          },
        )
      : builder.reshape(x, [rows, width]);
  return builder.reshape(builder.node("Gemm", [ones(builder, flat), flat]), kept);
}

/** [1, rows] of ones, for `x` [rows, width]. */
function ones(builder: GraphBuilder, x: Value): Value {
  const rows: Dimension = x.shape[0]!;
  const one = builder.constant("float32", [1], [1, 1]);
  if (rows === 1) return one;
  const length = builder.node(
    "Shape",
    [x],
    { start: 0, end: 1 },
    { outputs: [{ type: "int64", shape: [1] }] },
  );
  const shape = builder.concat([builder.constant("int64", [1]), length], 0);
  return builder.node(
    "Expand",
    [one, shape],
    {},
    { outputs: [{ type: "float32", shape: [1, rows] }] },
  );
}
