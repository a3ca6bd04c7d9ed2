import type { GraphBuilder, Value } from "@postgrad/model";

import type { Arithmetic } from "../losses/arithmetic.ts";

/** Losses' arithmetic on the values of a graph: one element a row. */
export function graphArithmetic(builder: GraphBuilder): Arithmetic<Value> {
  return {
    constant: (value) => builder.constant("float32", value),
    add: (a, b) => builder.add(a, b),
    sub: (a, b) => builder.sub(a, b),
    mul: (a, b) => builder.mul(a, b),
    div: (a, b) => builder.div(a, b),
    softplus: (x) => builder.node("Softplus", [x]),
    relu: (x) => builder.node("Relu", [x]),
  };
}
