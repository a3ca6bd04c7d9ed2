import type { GraphBuilder, Value } from "@postgrad/model";
import { PostgradError } from "@postgrad/schema";

import type { GradientRule } from "../rule.ts";

/** `g`, repeated over the axes that a reduction of `x` took away. */
function spread({ builder, node, gradients }: Parameters<GradientRule>[0]): Value {
  const [x] = node.inputs as readonly [Value];
  const reduced = reducedShape(x, node.outputs[0]!);
  const kept = builder.reshape(gradients[0]!, reduced);
  const outputs = [{ type: x.type, shape: x.shape }];
  const shape = builder.node(
    "Shape",
    [x],
    {},
    { outputs: [{ type: "int64", shape: [x.shape.length] }] },
  );
  return builder.node("Expand", [kept, shape], {}, { outputs });
}

/** The shape of a reduction with its axes kept. Without `keepdims` they are found by matching what is left. */
function reducedShape(x: Value, y: Value): Value["shape"] {
  if (y.shape.length === x.shape.length) return y.shape;
  let next = 0;
  const shape = x.shape.map((length) => (length === y.shape[next] ? y.shape[next++]! : 1));
  if (next === y.shape.length) return shape;
  throw new PostgradError(
    "train/no-gradient",
    `which axes "${y.name}" was reduced over cannot be told`,
    {
      fault: "system",
    },
  );
}

/** The number of elements that each element of `y` was made of, as a float. */
function share(builder: GraphBuilder, x: Value, y: Value): Value {
  const size = (value: Value): Value =>
    builder.cast(
      builder.node("Size", [value], {}, { outputs: [{ type: "int64", shape: [] }] }),
      "float32",
    );
  return builder.div(size(y), size(x));
}

/** y (g - sum(g y)), along the axis. */
const softmax: GradientRule = ({ builder, node, gradients }) => {
  const y = node.outputs[0]!;
  const weighted = builder.mul(gradients[0]!, y);
  const along = builder.reduce("ReduceSum", weighted, [axisOf(node.attributes["axis"])]);
  return [builder.sub(weighted, builder.mul(y, along))];
};

/** g - softmax * sum(g), along the axis. */
const logSoftmax: GradientRule = ({ builder, node, gradients }) => {
  const g = gradients[0]!;
  const along = builder.reduce("ReduceSum", g, [axisOf(node.attributes["axis"])]);
  return [builder.sub(g, builder.mul(builder.node("Exp", [node.outputs[0]!]), along))];
};

const axisOf = (axis: unknown): number => (axis as number | undefined) ?? -1;

/** Sums, means and greatest elements over axes, and what is normalised by them. */
export const reductionRules: Readonly<Record<string, GradientRule>> = {
  ReduceSum: (input) => [spread(input)],
  ReduceMean: (input) => [
    input.builder.mul(
      spread(input),
      share(input.builder, input.node.inputs[0]!, input.node.outputs[0]!),
    ),
  ],
  // Where several are greatest, each takes the whole gradient.
  ReduceMax: (input) => {
    const { builder, node } = input;
    const x = node.inputs[0]!;
    const greatest = builder.reshape(node.outputs[0]!, reducedShape(x, node.outputs[0]!));
    const zero = builder.constant("float32", 0);
    return [builder.node("Where", [builder.node("Equal", [x, greatest]), spread(input), zero])];
  },
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
