import type { Decoder, Linear, Weights } from "../families/decoder.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { DataType } from "../graph/data-type.ts";
import type { FileRange, Value } from "../graph/graph.ts";
import { shapeOf } from "./trained.ts";

/** One tensor as it is stored: its element type, and its bytes or where they lie. */
export interface StoredTensor {
  readonly type: Extract<DataType, "float32" | "float16" | "bfloat16">;
  readonly data: Uint8Array | FileRange;
}

/**
 * Weights as constants of the graph in the type that they are stored in; computed with as float32 (the runtime converts
 * 16-bit constants once, when the session opens, and looked-up rows of embeddings as they are read).
 */
export function storedWeights(
  decoder: Pick<Decoder, "tensors">,
  tensorOf: (name: string) => StoredTensor,
): (builder: GraphBuilder) => Weights {
  return (builder) => {
    const made = new Map<string, Value>();
    const stored = (name: string): Value => {
      const known = made.get(name);
      if (known) return known;
      const { type, data } = tensorOf(name);
      const value = builder.initializer(name, type, shapeOf(decoder.tensors, name), data);
      made.set(name, value);
      return value;
    };
    const tensor = (name: string): Value => builder.cast(stored(name), "float32");
    return {
      tensor,
      rows: (name, ids) =>
        builder.cast(builder.node("Gather", [stored(name), ids], { axis: 0 }), "float32"),
      linear: (x, linears) => linears.map((linear) => product(builder, x, linear, tensor)),
    };
  };
}

function product(
  builder: GraphBuilder,
  x: Value,
  { weight, bias }: Linear,
  tensor: (name: string) => Value,
): Value {
  const multiplied = builder.node(
    "FusedMatMul",
    [x, tensor(weight)],
    { transB: 1 },
    { domain: "com.microsoft" },
  );
  return bias === undefined ? multiplied : builder.add(multiplied, tensor(bias));
}
