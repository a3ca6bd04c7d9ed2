import { type Dimension, type GraphBuilder, positiveAxis, type Value } from "@postgrad/model";

import { summedTo } from "../broadcast.ts";
import type { GradientRule } from "../rule.ts";
import { zerosLike } from "./selection.ts";

/** The gradient in the shape of the input: what a new shape did not move need not be moved back. */
const reshaped: GradientRule = ({ builder, node, gradients }) => [
  inShapeOf(builder, gradients[0]!, node.inputs[0]!),
];

function inShapeOf(builder: GraphBuilder, g: Value, x: Value): Value {
  const shape = builder.node(
    "Shape",
    [x],
    {},
    { outputs: [{ type: "int64", shape: [x.shape.length] }] },
  );
  const isKnown = x.shape.every((length) => typeof length === "number");
  return isKnown
    ? builder.reshape(g, x.shape)
    : builder.node("Reshape", [g, shape], {}, { outputs: [{ type: g.type, shape: x.shape }] });
}

const transpose: GradientRule = ({ builder, node, gradients }) => {
  const perm = node.attributes["perm"] as readonly number[];
  const back = perm.map((_, axis) => perm.indexOf(axis));
  return [builder.transpose(gradients[0]!, back)];
};

/** Zeros before and after the piece that was cut out. */
const slice: GradientRule = ({ builder, node, gradients }) => {
  const [x, start, end, axes] = node.inputs as readonly [Value, Value, Value, Value];
  const g = gradients[0]!;
  const outputs = [{ type: x.type, shape: x.shape }];
  const axis = x.shape.findIndex((length, at) => length !== g.shape[at]);
  if (axis === -1) return [g];
  const shape = builder.node(
    "Shape",
    [x],
    { start: axis, end: axis + 1 },
    { outputs: [{ type: "int64", shape: [1] }] },
  );
  const zero = builder.constant("int64", [0]);
  const counted = (bound: Value): Value => {
    const behind = builder.node("Where", [
      builder.node("Less", [bound, zero]),
      builder.add(bound, shape),
      bound,
    ]);
    return builder.node("Max", [builder.node("Min", [behind, shape]), zero]);
  };
  const pads = builder.concat([counted(start), builder.sub(shape, counted(end))], 0);
  return [
    builder.node("Pad", [g, pads, builder.constant("float32", 0), axes], {}, { outputs }),
    undefined,
    undefined,
    undefined,
  ];
};

const split: GradientRule = ({ builder, node, gradients }) => {
  const axis = node.attributes["axis"] as number;
  const parts = gradients.map(
    (gradient, index) => gradient ?? zerosLike(builder, node.outputs[index]!),
  );
  const shape = node.inputs[0]!.shape;
  return [
    builder.node("Concat", parts, { axis }, { outputs: [{ type: "float32", shape }] }),
    undefined,
  ];
};

const concat: GradientRule = ({ builder, node, gradients, wanted }) => {
  const g = gradients[0]!;
  const axis = positiveAxis(node.attributes["axis"] as number, g.shape.length);
  const lengths = node.inputs.map((part) => lengthAlong(builder, part!, axis));
  const outputs = node.inputs.map((part) => ({ type: part!.type, shape: part!.shape }));
  if (!node.inputs.some((_, index) => wanted(index))) return [];
  return builder.outputsOf("Split", [g, builder.concat(lengths, 0)], { axis }, { outputs });
};

function lengthAlong(builder: GraphBuilder, x: Value, axis: number): Value {
  const length: Dimension = x.shape[axis]!;
  if (typeof length === "number") return builder.constant("int64", [length]);
  return builder.node(
    "Shape",
    [x],
    { start: axis, end: axis + 1 },
    { outputs: [{ type: "int64", shape: [1] }] },
  );
}

/** Elements in another arrangement. */
export const shapeRules: Readonly<Record<string, GradientRule>> = {
  Identity: ({ gradients }) => [gradients[0]],
  Cast: ({ builder, node, gradients }) => [builder.cast(gradients[0]!, node.inputs[0]!.type)],
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Expand: ({ builder, node, gradients }) => [
    summedTo(builder, gradients[0]!, node.inputs[0]!.shape),
  ],
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Concat: concat,
};
