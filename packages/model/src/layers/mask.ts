import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";

/** Added to the score of a place that must not be seen; its softmax is exactly 0, and no row of all such values is NaN. */
export const hiddenScore = -1e9;

/**
 * The additive mask [batch, 1, 1, sequence, sequence] by which a token sees itself and the earlier tokens of its segment,
 * `window` positions in all where one is given. `segments` is [sequence, batch] int64.
 */
export function segmentMask(builder: GraphBuilder, segments: Value, window?: number): Value {
  const [length] = segments.shape;
  const zero = builder.constant("int64", 0);
  const one = builder.constant("int64", 1);
  const count = builder.node(
    "Squeeze",
    [builder.lengthOf(length!)],
    {},
    { outputs: [{ type: "int64", shape: [] }] },
  );
  const places = builder.node(
    "Range",
    [zero, count, one],
    {},
    { outputs: [{ type: "int64", shape: [length!] }] },
  );
  const distance = builder.sub(builder.unsqueeze(places, [1]), places);
  const rows = builder.transpose(segments, [1, 0]);
  const together = builder.node("Equal", [
    builder.unsqueeze(rows, [2]),
    builder.unsqueeze(rows, [1]),
  ]);
  const earlier = builder.node("GreaterOrEqual", [distance, zero]);
  const near =
    window === undefined
      ? earlier
      : builder.node("And", [
          earlier,
          builder.node("Less", [distance, builder.constant("int64", window)]),
        ]);
  const mask = builder.node("Where", [
    builder.node("And", [together, near]),
    builder.constant("float32", 0),
    builder.constant("float32", hiddenScore),
  ]);
  return builder.unsqueeze(mask, [1, 2]);
}
