import { PostgradError } from "@postgrad/schema";

import type { DataType } from "./data-type.ts";
import { broadcast, type Dimension, type Shape, sumOf } from "./dimension.ts";
import type { Attribute, Value } from "./graph.ts";

/** Element type and shape of a value that has no name yet. */
export interface Form {
  readonly type: DataType;
  readonly shape: Shape;
}

/** Gives the outputs of an operator from its inputs, in the operator's order. */
export type Inference = (
  inputs: readonly (Value | undefined)[],
  attributes: Readonly<Record<string, Attribute>>,
) => readonly Form[];

/** The forms of the outputs of `op`; throws `model/unknown-operator` for an operator that is not in the table. */
export function inferred(
  op: string,
  inputs: readonly (Value | undefined)[],
  attributes: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  const rule = rules[op];
  if (rule) return rule(inputs, attributes);
  throw new PostgradError(
    "model/unknown-operator",
    `no shape rule for the operator "${op}": pass its outputs to node(), or add a rule to graph/inference.ts`,
  );
}

const same: Inference = ([x]) => [{ type: x!.type, shape: x!.shape }];

const elementwise: Inference = ([a, b]) => [
  { type: a!.type, shape: broadcast(a!.shape, b!.shape) },
];

const comparison: Inference = ([a, b]) => [{ type: "bool", shape: broadcast(a!.shape, b!.shape) }];

const rules: Readonly<Record<string, Inference>> = {
  Abs: same,
  Add: elementwise,
  And: comparison,
  Clip: same,
  Cos: same,
  Div: elementwise,
  Equal: comparison,
  Erf: same,
  Exp: same,
  FastGelu: same,
  Gelu: same,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Identity: same,
  Less: comparison,
  LessOrEqual: comparison,
  Log: same,
  LogSoftmax: same,
  Max: elementwise,
  Min: elementwise,
  Mul: elementwise,
  Neg: same,
  Not: same,
  Or: comparison,
  Pow: elementwise,
  QuickGelu: same,
  Reciprocal: same,
  Relu: same,
  RotaryEmbedding: same,
  Sigmoid: same,
  Sign: same,
  Sin: same,
  Softmax: same,
  Softplus: same,
  Sqrt: same,
  Sub: elementwise,
  Tanh: same,
  Trilu: same,
  Concat: concat,
  FusedMatMul: matmul,
  Gather: gather,
  Gemm: gemm,
  LayerNormalization: normalization,
  MatMul: matmul,
  MatMulNBits: matmulNBits,
  SimplifiedLayerNormalization: same,
  SkipSimplifiedLayerNormalization: (inputs) => [
    ...same(inputs, {}),
    ...same(inputs, {}),
    ...same(inputs, {}),
    ...same(inputs, {}),
  ],
  Transpose: transpose,
  Where: ([condition, a, b]) => [
    { type: a!.type, shape: broadcast(condition!.shape, broadcast(a!.shape, b!.shape)) },
  ],
};

function concat(
  inputs: readonly (Value | undefined)[],
  { axis }: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  const parts = inputs.map((input) => input!);
  const at = positiveAxis(axis as number, parts[0]!.shape.length);
  const shape = parts[0]!.shape.with(at, sumOf(parts.map((part) => part.shape[at]!)));
  return [{ type: parts[0]!.type, shape }];
}

function gather(
  [data, indices]: readonly (Value | undefined)[],
  { axis = 0 }: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  const at = positiveAxis(axis as number, data!.shape.length);
  return [{ type: data!.type, shape: data!.shape.toSpliced(at, 1, ...indices!.shape) }];
}

function gemm(
  [a, b]: readonly (Value | undefined)[],
  { transA = 0, transB = 0 }: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  const [rows, left] = transA === 1 ? a!.shape.toReversed() : a!.shape;
  const [right, columns] = transB === 1 ? b!.shape.toReversed() : b!.shape;
  checkInner(left!, right!, a!, b!);
  return [{ type: a!.type, shape: [rows!, columns!] }];
}

/** MatMul, and FusedMatMul with its transpositions; `transBatch` moves the first axis to the place before the last. */
function matmul(
  [a, b]: readonly (Value | undefined)[],
  { transA = 0, transB = 0, transBatchA = 0, transBatchB = 0 }: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  const left = transposed(a!.shape, transA === 1, transBatchA === 1);
  const right = transposed(b!.shape, transB === 1, transBatchB === 1);
  checkInner(left.at(-1)!, right.at(-2)!, a!, b!);
  const batch = broadcast(left.slice(0, -2), right.slice(0, -2));
  return [{ type: a!.type, shape: [...batch, left.at(-2)!, right.at(-1)!] }];
}

function transposed(shape: Shape, matrix: boolean, batch: boolean): Shape {
  const moved = batch ? [...shape.slice(1, -1), shape[0]!, shape.at(-1)!] : shape;
  return matrix ? [...moved.slice(0, -2), moved.at(-1)!, moved.at(-2)!] : moved;
}

function matmulNBits(
  [a]: readonly (Value | undefined)[],
  { N }: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  return [{ type: a!.type, shape: [...a!.shape.slice(0, -1), N as number] }];
}

/** LayerNormalization: the result, then mean and inverse deviation over the last axis. */
function normalization([x]: readonly (Value | undefined)[]): readonly Form[] {
  const { type, shape } = x!;
  const reduced = { type, shape: [...shape.slice(0, -1), 1] };
  return [{ type, shape }, reduced, reduced];
}

function transpose(
  [x]: readonly (Value | undefined)[],
  { perm }: Readonly<Record<string, Attribute>>,
): readonly Form[] {
  const order = perm as readonly number[];
  return [{ type: x!.type, shape: order.map((axis) => x!.shape[axis]!) }];
}

function checkInner(left: Dimension, right: Dimension, a: Value, b: Value): void {
  if (left === right) return;
  throw new PostgradError(
    "model/shape",
    `"${a.name}" [${a.shape.join(", ")}] and "${b.name}" [${b.shape.join(", ")}] cannot be multiplied: ${left} against ${right}`,
  );
}

/** `axis` counted from the front. */
export const positiveAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
