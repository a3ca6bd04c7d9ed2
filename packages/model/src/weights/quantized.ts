import type { Decoder, Weights } from "../families/decoder.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { DataType } from "../graph/data-type.ts";
import type { FileRange, Value } from "../graph/graph.ts";
import type { BlockFormat } from "../quantize/quantize-rows.ts";
import { formatOf, joinedName } from "./stored-tensors.ts";
import { shapeOf } from "./trained.ts";
import { blockFormat, type WeightOptions } from "./weight-format.ts";

/** A tensor of converted weights: its form, and its bytes or where they lie. */
export interface ConvertedTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | FileRange;
}

/**
 * Weights that were converted: linear layers that share an input are one product, cut behind it. What is not among
 * `converted` (embeddings, and a projection into them) comes from `original`.
 */
export function convertedWeights(
  decoder: Decoder,
  converted: (name: string) => ConvertedTensor | undefined,
  original: (builder: GraphBuilder) => Weights,
  options: WeightOptions,
): (builder: GraphBuilder) => Weights {
  return (builder) => {
    const originals = original(builder);
    const made = new Map<string, Value>();
    const constant = (name: string): Value | undefined => {
      const known = made.get(name);
      const tensor = converted(name);
      if (known || !tensor) return known;
      const value = builder.initializer(name, tensor.type, tensor.shape, tensor.data);
      made.set(name, value);
      return value;
    };
    return {
      tensor: (name) => constant(name) ?? originals.tensor(name),
      rows: (name, ids) => originals.rows(name, ids),
      linear: (x, linears) => {
        const name = joinedName(linears);
        const format = blockFormat(formatOf(linears, options), options);
        const bias = constant(`${name}.bias`);
        const matrix = constant(format ? `${name}.packed` : name);
        if (!matrix) return originals.linear(x, linears);
        const lengths = linears.map(({ weight }) => shapeOf(decoder.tensors, weight)[0]!);
        const product = format
          ? blockProduct(
              builder,
              x,
              matrix,
              constant(`${name}.scales`)!,
              constant(`${name}.zeros`),
              bias,
              format,
            )
          : floatProduct(builder, x, builder.cast(matrix, "float32"), bias);
        return builder.split(product, -1, lengths);
      },
    };
  };
}

/** accuracy_level 4 multiplies 8-bit activations: the only level with a fast kernel for 8 bits, and the fastest for 4. */
const accuracyLevel = 4;

function blockProduct(
  builder: GraphBuilder,
  x: Value,
  packed: Value,
  scales: Value,
  zeros: Value | undefined,
  bias: Value | undefined,
  { bits, block }: BlockFormat,
): Value {
  const attributes = {
    K: x.shape.at(-1) as number,
    N: packed.shape[0] as number,
    bits,
    block_size: block,
    accuracy_level: accuracyLevel,
  };
  const inputs = [x, packed, scales, zeros, undefined, bias];
  while (inputs.at(-1) === undefined) inputs.pop();
  return builder.node("MatMulNBits", inputs, attributes, { domain: "com.microsoft" });
}

function floatProduct(
  builder: GraphBuilder,
  x: Value,
  matrix: Value,
  bias: Value | undefined,
): Value {
  const product = builder.node(
    "FusedMatMul",
    [x, matrix],
    { transB: 1 },
    { domain: "com.microsoft" },
  );
  return bias ? builder.add(product, bias) : product;
}
