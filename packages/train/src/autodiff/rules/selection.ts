import type { GraphBuilder, Value } from "@postgrad/model";
import { PostgradError } from "@postgrad/schema";

import { summedTo } from "../broadcast.ts";
import type { GradientRule } from "../rule.ts";

/** Rows of `data` by index: the gradient adds each row back where it was read, rows that were read twice twice. */
const gather: GradientRule = ({ builder, node, gradients }) => {
  const [data, indices] = node.inputs as readonly [Value, Value];
  if ((node.attributes["axis"] ?? 0) !== 0 || indices.shape.length !== 1) {
    throw new PostgradError(
      "train/no-gradient",
      "the gradient of Gather is supported for a vector of indices on axis 0",
      {
        fault: "system",
      },
    );
  }
  const g = gradients[0]!;
  const column = builder.reshape(indices, [indices.shape[0]!, ...data.shape.slice(1).map(() => 1)]);
  const shape = shapeOf(builder, g);
  const places = builder.node(
    "Expand",
    [column, shape],
    {},
    { outputs: [{ type: "int64", shape: g.shape }] },
  );
  // Not ScatterND: its additions run on several threads without a lock, and repeated rows lose some of them.
  return [
    builder.node(
      "ScatterElements",
      [zerosLike(builder, data), places, g],
      { axis: 0, reduction: "add" },
      {
        outputs: [{ type: data.type, shape: data.shape }],
      },
    ),
  ];
};

/** ScatterElements with addition: `data` passes through, `updates` are read where they were written. */
const scatterElements: GradientRule = ({ builder, node, gradients, wanted }) => {
  const [, indices, updates] = node.inputs as readonly [Value, Value, Value];
  if (node.attributes["reduction"] !== "add") {
    throw new PostgradError(
      "train/no-gradient",
      'the gradient of ScatterElements is supported with reduction "add"',
      {
        fault: "system",
      },
    );
  }
  const g = gradients[0]!;
  const outputs = [{ type: updates.type, shape: updates.shape }];
  const axis = node.attributes["axis"] ?? 0;
  return [
    g,
    undefined,
    wanted(2) ? builder.node("GatherElements", [g, indices], { axis }, { outputs }) : undefined,
  ];
};

/** The condition decides who takes the gradient. */
const where: GradientRule = ({ builder, node, gradients, wanted }) => {
  const [condition, a, b] = node.inputs as readonly [Value, Value, Value];
  const zero = builder.constant("float32", 0);
  const g = gradients[0]!;
  return [
    undefined,
    wanted(1) ? summedTo(builder, builder.node("Where", [condition, g, zero]), a.shape) : undefined,
    wanted(2) ? summedTo(builder, builder.node("Where", [condition, zero, g]), b.shape) : undefined,
  ];
};

function shapeOf(builder: GraphBuilder, x: Value): Value {
  return builder.node("Shape", [x], {}, { outputs: [{ type: "int64", shape: [x.shape.length] }] });
}

/** Zeros in the shape of `x`. */
export function zerosLike(builder: GraphBuilder, x: Value): Value {
  return builder.node(
    "ConstantOfShape",
    [shapeOf(builder, x)],
    {},
    {
      outputs: [{ type: "float32", shape: x.shape }],
    },
  );
}

/** Elements that are picked and placed by index or condition. */
export const selectionRules: Readonly<Record<string, GradientRule>> = {
  Gather: gather,
  ScatterElements: scatterElements,
  Where: where,
};
