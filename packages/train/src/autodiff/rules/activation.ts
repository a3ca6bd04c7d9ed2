import type { GraphBuilder, Value } from "@postgrad/model";

import type { GradientRule } from "../rule.ts";
import { unary } from "./arithmetic.ts";

const constant = (builder: GraphBuilder, value: number): Value =>
  builder.constant("float32", value);

/** y (1 - y) */
const logisticSlope = (builder: GraphBuilder, y: Value): Value =>
  builder.mul(y, builder.sub(constant(builder, 1), y));

/** g * (s + k x s (1 - s)) for y = x * s, s = sigmoid(k x): SiLU where k is 1. */
function sigmoidGate(builder: GraphBuilder, g: Value, x: Value, k: number): Value {
  const scaled = k === 1 ? x : builder.mul(x, constant(builder, k));
  const gate = builder.node("Sigmoid", [scaled]);
  const slope = builder.add(gate, builder.mul(scaled, logisticSlope(builder, gate)));
  return builder.mul(g, slope);
}

/** Phi(x) + x phi(x), for y = x Phi(x). */
function geluSlope(builder: GraphBuilder, x: Value): Value {
  const erf = builder.node("Erf", [builder.mul(x, constant(builder, Math.SQRT1_2))]);
  const below = builder.mul(builder.add(erf, constant(builder, 1)), constant(builder, 0.5));
  const exponent = builder.mul(builder.mul(x, x), constant(builder, -0.5));
  const density = builder.mul(
    builder.node("Exp", [exponent]),
    constant(builder, 1 / Math.sqrt(2 * Math.PI)),
  );
  return builder.add(below, builder.mul(x, density));
}

/** The slope of x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3). */
function tanhGeluSlope(builder: GraphBuilder, x: Value): Value {
  const root = Math.sqrt(2 / Math.PI);
  const square = builder.mul(x, x);
  const scaled = builder.add(
    builder.mul(square, constant(builder, 0.044715 * root)),
    constant(builder, root),
  );
  const tanh = builder.node("Tanh", [builder.mul(x, scaled)]);
  const rise = builder.add(
    builder.mul(square, constant(builder, 3 * 0.044715 * root)),
    constant(builder, root),
  );
  const inner = builder.mul(builder.sub(constant(builder, 1), builder.mul(tanh, tanh)), rise);
  const bent = builder.mul(x, inner);
  const sum = builder.add(builder.add(tanh, constant(builder, 1)), bent);
  return builder.mul(sum, constant(builder, 0.5));
}

/** Functions of one element each that networks bend their signals with. */
export const activationRules: Readonly<Record<string, GradientRule>> = {
  Relu: unary((builder, g, x) =>
    builder.node("Where", [
      builder.node("Greater", [x, constant(builder, 0)]),
      g,
      constant(builder, 0),
    ]),
  ),
  Sigmoid: unary((builder, g, _x, y) => builder.mul(g, logisticSlope(builder, y))),
  Tanh: unary((builder, g, _x, y) =>
    builder.mul(g, builder.sub(constant(builder, 1), builder.mul(y, y))),
  ),
  Softplus: unary((builder, g, x) => builder.mul(g, builder.node("Sigmoid", [x]))),
  Erf: unary((builder, g, x) => {
    const bell = builder.node("Exp", [builder.node("Neg", [builder.mul(x, x)])]);
    return builder.mul(g, builder.mul(bell, constant(builder, 2 / Math.sqrt(Math.PI))));
  }),
  QuickGelu: ({ builder, node, gradients }) => [
    sigmoidGate(builder, gradients[0]!, node.inputs[0]!, floatOf(node.attributes["alpha"], 1.702)),
  ],
  Gelu: ({ builder, node, gradients }) => {
    const slope = node.attributes["approximate"] === "tanh" ? tanhGeluSlope : geluSlope;
    return [builder.mul(gradients[0]!, slope(builder, node.inputs[0]!))];
  },
  FastGelu: unary((builder, g, x) => builder.mul(g, tanhGeluSlope(builder, x))),
};

/** A float attribute, or `fallback` where it is left out. */
export function floatOf(attribute: unknown, fallback: number): number {
  if (typeof attribute === "number") return attribute;
  return (attribute as { readonly float: number } | undefined)?.float ?? fallback;
}
