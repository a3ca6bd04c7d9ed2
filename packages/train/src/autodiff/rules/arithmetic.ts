import type { GraphBuilder, Value } from "@postgrad/model";

import { summedTo } from "../broadcast.ts";
import type { GradientRule, RuleInput } from "../rule.ts";

/** A rule for f(a, b), broadcast: the gradients before the broadcast is undone. */
function binary(
  byA: (builder: GraphBuilder, g: Value, a: Value, b: Value, y: Value) => Value,
  byB: (builder: GraphBuilder, g: Value, a: Value, b: Value, y: Value) => Value,
): GradientRule {
  return ({ builder, node, gradients, wanted }: RuleInput) => {
    const [a, b] = node.inputs as readonly [Value, Value];
    const by = (index: number, part: typeof byA): Value | undefined =>
      wanted(index)
        ? summedTo(
            builder,
            part(builder, gradients[0]!, a, b, node.outputs[0]!),
            node.inputs[index]!.shape,
          )
        : undefined;
    return [by(0, byA), by(1, byB)];
  };
}

/** A rule for f(x): the gradient is g times the slope. */
export function unary(
  gradient: (builder: GraphBuilder, g: Value, x: Value, y: Value) => Value,
): GradientRule {
  return ({ builder, node, gradients }) => [
    gradient(builder, gradients[0]!, node.inputs[0]!, node.outputs[0]!),
  ];
}

const constant = (builder: GraphBuilder, value: number): Value =>
  builder.constant("float32", value);
const negative = (builder: GraphBuilder, x: Value): Value => builder.node("Neg", [x]);

/** g where the comparison of a and b holds, 0 elsewhere. */
const where =
  (comparison: string) =>
  (builder: GraphBuilder, g: Value, a: Value, b: Value): Value =>
    builder.node("Where", [builder.node(comparison, [a, b]), g, constant(builder, 0)]);

/** Sums, products and powers, element by element. */
export const arithmeticRules: Readonly<Record<string, GradientRule>> = {
  Abs: unary((builder, g, x) => builder.mul(g, builder.node("Sign", [x]))),
  Add: binary(
    (_, g) => g,
    (_, g) => g,
  ),
  Sub: binary(
    (_, g) => g,
    (builder, g) => negative(builder, g),
  ),
  Mul: binary(
    (builder, g, _a, b) => builder.mul(g, b),
    (builder, g, a) => builder.mul(g, a),
  ),
  Div: binary(
    (builder, g, _a, b) => builder.div(g, b),
    (builder, g, _a, b, y) => negative(builder, builder.div(builder.mul(g, y), b)),
  ),
  Pow: binary(
    (builder, g, a, b) => {
      const lower = builder.sub(b, constant(builder, 1));
      return builder.mul(g, builder.mul(b, builder.node("Pow", [a, lower])));
    },
    (builder, g, a, _b, y) => builder.mul(g, builder.mul(y, builder.node("Log", [a]))),
  ),
  // Where both are equal, the first one takes the gradient.
  Max: binary(where("GreaterOrEqual"), where("Less")),
  Min: binary(where("LessOrEqual"), where("Greater")),
  Neg: unary((builder, g) => negative(builder, g)),
  Reciprocal: unary((builder, g, _x, y) => negative(builder, builder.mul(g, builder.mul(y, y)))),
  Sqrt: unary((builder, g, _x, y) => builder.div(builder.mul(g, constant(builder, 0.5)), y)),
  Exp: unary((builder, g, _x, y) => builder.mul(g, y)),
  Log: unary((builder, g, x) => builder.div(g, x)),
  Sin: unary((builder, g, x) => builder.mul(g, builder.node("Cos", [x]))),
  Cos: unary((builder, g, x) => negative(builder, builder.mul(g, builder.node("Sin", [x])))),
};
