import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";

/** Activations by transformers' names, in plain operators (the runtime fuses them). */
export const activations = { relu, gelu, silu } as const satisfies Readonly<
  Record<string, (builder: GraphBuilder, x: Value) => Value>
>;
/** The name of an activation. */
export type Activation = keyof typeof activations;

function relu(builder: GraphBuilder, x: Value): Value {
  return builder.node("Relu", [x]);
}

/** x * sigmoid(x), also called swish. */
function silu(builder: GraphBuilder, x: Value): Value {
  return builder.mul(x, builder.node("Sigmoid", [x]));
}

/** x * (1 + erf(x / sqrt(2))) / 2, exact. */
function gelu(builder: GraphBuilder, x: Value): Value {
  const error = builder.node("Erf", [builder.mul(x, builder.constant("float32", Math.SQRT1_2))]);
  const raised = builder.add(error, builder.constant("float32", 1));
  return builder.mul(x, builder.mul(raised, builder.constant("float32", 0.5)));
}
