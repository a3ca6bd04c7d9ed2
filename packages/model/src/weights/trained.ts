import { PostgradError } from "@postgrad/schema";

import type { Decoder, Linear, Weights } from "../families/decoder.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import { type Dimension, productOf } from "../graph/dimension.ts";
import type { Value } from "../graph/graph.ts";

/**
 * Weights as inputs of the graph, one for each tensor, float32, under the tensor's name; linear layers are Gemm. Every input
 * that is made goes into `parameters`.
 */
export function trainedWeights(
  builder: GraphBuilder,
  { tensors }: Pick<Decoder, "tensors">,
  parameters: Map<string, Value>,
): Weights {
  const tensor = (name: string): Value => {
    const known = parameters.get(name);
    if (known) return known;
    const value = builder.input(name, "float32", shapeOf(tensors, name));
    parameters.set(name, value);
    return value;
  };
  return {
    tensor,
    rows: (name, ids) => builder.node("Gather", [tensor(name), ids], { axis: 0 }),
    linear: (x, linears) => {
      const flat = builder.reshape(x, [productOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);
      return linears.map((linear) => gemm(builder, flat, linear, tensor, x.shape.slice(0, -1)));
    },
  };
}

function gemm(
  builder: GraphBuilder,
  flat: Value,
  { weight, bias }: Linear,
  tensor: (name: string) => Value,
  lead: readonly Dimension[],
): Value {
  const product = builder.gemm(flat, tensor(weight), bias === undefined ? undefined : tensor(bias));
  return builder.reshape(product, [...lead, product.shape[1]!]);
}

/** The shape of a tensor of the decoder; throws `model/unknown-tensor` for a name that it has not. */
export function shapeOf(
  tensors: ReadonlyMap<string, readonly number[]>,
  name: string,
): readonly number[] {
  const shape = tensors.get(name);
  if (shape) return shape;
  throw new PostgradError("model/unknown-tensor", `the decoder has no tensor "${name}"`);
}
