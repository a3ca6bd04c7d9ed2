import type { Decoder, GraphBuilder, Linear, Value, Weights } from "@postgrad/model";
import { productOf } from "@postgrad/model";

/** Rows that were looked up in an embedding. Their gradient is added to the embedding's outside of the graph, row by row. */
export interface Lookup {
  readonly name: string;
  /** [tokens] int64. */
  readonly ids: Value;
  /** [tokens, width]. */
  readonly rows: Value;
}

/** A low-rank addition to linear layers: y = W x + scale * B (A x). */
export interface LowRank {
  readonly rank: number;
  /** alpha / rank. */
  readonly scale: number;
  /** Whether the linear layer of this weight has one. */
  readonly adapts: (weight: string) => boolean;
}

/** The names that PEFT gives the two factors of a linear layer's low-rank addition. */
export const lowRankNames = (weight: string): { readonly a: string; readonly b: string } => {
  const module = weight.replace(/\.weight$/, "");
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
};

/** Weights that are fed, and what of them is trained. */
export interface TrainedWeights extends Weights {
  /** Every weight that is fed, by name. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Those that take a gradient inside of the graph. */
  readonly trained: ReadonlyMap<string, Value>;
  readonly lookups: readonly Lookup[];
}

/**
 * Weights as inputs of the graph under their tensors' names; linear layers are Gemm on flat rows. All of them are trained, or
 * with `lowRank` only the factors.
 */
export function trainedWeights(
  builder: GraphBuilder,
  { tensors }: Pick<Decoder, "tensors">,
  lowRank?: LowRank,
): TrainedWeights {
  const inputs = new Map<string, Value>();
  const trained = new Map<string, Value>();
  const lookups: Lookup[] = [];
  const fed = (name: string, shape: readonly number[]): Value => {
    const value = inputs.get(name) ?? builder.input(name, "float32", shape);
    inputs.set(name, value);
    return value;
  };
  const frozen = (name: string): Value => fed(name, tensors.get(name)!);
  const tensor = (name: string): Value => {
    const value = frozen(name);
    if (!lowRank) trained.set(name, value);
    return value;
  };
  const factor = (name: string, shape: readonly number[]): Value => {
    const value = fed(name, shape);
    trained.set(name, value);
    return value;
  };
  const linear = (flat: Value, { weight, bias }: Linear): Value => {
    const product = builder.gemm(
      flat,
      tensor(weight),
      bias === undefined ? undefined : tensor(bias),
    );
    if (!lowRank?.adapts(weight)) return product;
    const [out, width] = tensors.get(weight) as [number, number];
    const { a, b } = lowRankNames(weight);
    const inner = builder.gemm(flat, factor(a, [lowRank.rank, width]));
    const scaled = builder.mul(inner, builder.constant("float32", lowRank.scale));
    return builder.add(product, builder.gemm(scaled, factor(b, [out, lowRank.rank])));
  };
  return {
    inputs,
    trained,
    lookups,
    tensor,
    rows: (name, ids) => {
      const flat = builder.reshape(ids, [productOf(ids.shape)]);
      const rows = builder.node("Gather", [frozen(name), flat], { axis: 0 });
      if (!lowRank) lookups.push({ name, ids: flat, rows });
      return builder.reshape(rows, [...ids.shape, rows.shape[1]!]);
    },
    linear: (x, linears) => {
      const lead = x.shape.slice(0, -1);
      const flat = builder.reshape(x, [productOf(lead), x.shape.at(-1)!]);
      return linears.map((one) => {
        const product = linear(flat, one);
        return builder.reshape(product, [...lead, product.shape[1]!]);
      });
    },
  };
}
