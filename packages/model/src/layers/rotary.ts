import type { RotaryTables } from "../families/decoder.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";

/**
 * Rotary position embedding: the inverse frequencies of the `dim / 2` pairs (one set, or several between which the length of
 * a row decides), and the factor on cosines and sines.
 */
export interface Rotary {
  /** How many of a head's dimensions are rotated. */
  readonly dim: number;
  /** Multiplies cosines and sines; 1 but for yarn and longrope. */
  readonly attentionFactor: number;
  readonly frequencies: RotaryFrequencies;
}

/** Where a rotary embedding's frequencies come from. */
export type RotaryFrequencies =
  | { readonly kind: "fixed"; readonly inverse: readonly number[] }
  /** longrope: the long set as soon as a row is longer than `original`. */
  | {
      readonly kind: "switch";
      readonly original: number;
      readonly short: readonly number[];
      readonly long: readonly number[];
    }
  /** Dynamic NTK: past `original` positions the base grows with the length of the row. */
  | {
      readonly kind: "dynamic";
      readonly original: number;
      readonly base: number;
      readonly factor: number;
    };

/**
 * Cosines and sines, [tokens, batch, dim / 2], of `positions` [tokens, batch] int64. The length of a row is its greatest
 * position plus one, each row for itself.
 */
export function rotaryTables(
  builder: GraphBuilder,
  rotary: Rotary,
  positions: Value,
): RotaryTables {
  const inverse = inverseFrequencies(builder, rotary, positions);
  const angles = builder.mul(builder.unsqueeze(builder.cast(positions, "float32"), [2]), inverse);
  const scaled = (table: Value): Value =>
    rotary.attentionFactor === 1
      ? table
      : builder.mul(table, builder.constant("float32", rotary.attentionFactor));
  return { cos: scaled(builder.node("Cos", [angles])), sin: scaled(builder.node("Sin", [angles])) };
}

/** Names the frequencies in use for a row of `length` positions: keys cached under another name do not fit. */
export function rotaryRegime({ frequencies }: Rotary, length: number): string {
  if (frequencies.kind === "fixed") return "fixed";
  if (length <= frequencies.original) return "short";
  return frequencies.kind === "switch" ? "long" : `length ${length}`;
}

/** [dim / 2], or [1, batch, dim / 2] where the rows differ. */
function inverseFrequencies(
  builder: GraphBuilder,
  { dim, frequencies }: Rotary,
  positions: Value,
): Value {
  if (frequencies.kind === "fixed") return builder.constant("float32", frequencies.inverse);
  const last = builder.cast(
    builder.unsqueeze(builder.reduce("ReduceMax", positions, [0]), [2]),
    "float32",
  );
  const length = builder.add(last, builder.constant("float32", 1));
  const original = builder.constant("float32", frequencies.original);
  if (frequencies.kind === "switch") {
    const long = builder.constant("float32", frequencies.long);
    const short = builder.constant("float32", frequencies.short);
    return builder.node("Where", [builder.node("Greater", [length, original]), long, short]);
  }
  return dynamicFrequencies(builder, dim, frequencies, builder.node("Max", [length, original]));
}

/** base' = base * (factor * length / original - (factor - 1)) ^ (dim / (dim - 2)); 1 / base' ^ (2i / dim). */
function dynamicFrequencies(
  builder: GraphBuilder,
  dim: number,
  {
    base,
    factor,
    original,
  }: { readonly base: number; readonly factor: number; readonly original: number },
  length: Value,
): Value {
  const constant = (value: number): Value => builder.constant("float32", value);
  const stretched = builder.sub(
    builder.mul(length, constant(factor / original)),
    constant(factor - 1),
  );
  const grown = builder.mul(
    builder.node("Pow", [stretched, constant(dim / (dim - 2))]),
    constant(base),
  );
  const exponents = Array.from({ length: dim / 2 }, (_, pair) => (-2 * pair) / dim);
  return builder.node("Pow", [grown, builder.constant("float32", exponents)]);
}

/** Turns the first `2 * width of the tables` dimensions of each head of `x` [tokens, batch, heads * headDim]. */
export function rotate(
  builder: GraphBuilder,
  x: Value,
  heads: number,
  headDim: number,
  { cos, sin }: RotaryTables,
): Value {
  const dim = 2 * (cos.shape.at(-1) as number);
  const partial = dim === headDim ? {} : { rotary_embedding_dim: dim };
  return builder.node("RotaryEmbedding", [x, cos, sin], { num_heads: heads, ...partial });
}
