import type { GraphBuilder, Value } from "@postgrad/model";
import { PostgradError } from "@postgrad/schema";

import { summedTo } from "../broadcast.ts";
import type { GradientRule } from "../rule.ts";
import { floatOf } from "./activation.ts";

/** Y = A' B' (+ C), where A' and B' may be transposed: dA and dB are products of g with the other one, transposed to fit. */
const gemm: GradientRule = ({ builder, node, gradients, wanted }) => {
  const [a, b, c] = node.inputs;
  const { transA = 0, transB = 0, alpha, beta } = node.attributes;
  if (floatOf(alpha, 1) !== 1 || floatOf(beta, 1) !== 1) throw unsupported("Gemm", "alpha or beta");
  const g = gradients[0]!;
  const product = (x: Value, y: Value, transX: boolean, transY: boolean): Value =>
    builder.node("Gemm", [x, y], { ...(transX && { transA: 1 }), ...(transY && { transB: 1 }) });
  const byA =
    transA === 1
      ? () => product(b!, g, transB === 1, true)
      : () => product(g, b!, false, transB !== 1);
  const byB =
    transB === 1
      ? () => product(g, a!, true, transA === 1)
      : () => product(a!, g, transA !== 1, false);
  return [
    wanted(0) ? byA() : undefined,
    wanted(1) ? byB() : undefined,
    c && wanted(2) ? summedTo(builder, g, c.shape) : undefined,
  ];
};

/** Batched products: the same with FusedMatMul, whose transpositions need no copy. */
const matmul: GradientRule = ({ builder, node, gradients, wanted }) => {
  const [a, b] = node.inputs as readonly [Value, Value];
  const { transA = 0, transB = 0, alpha, transBatchA = 0, transBatchB = 0 } = node.attributes;
  if (transBatchA !== 0 || transBatchB !== 0)
    throw unsupported(node.op, "transBatchA or transBatchB");
  if (a.shape.length < 2 || b.shape.length < 2) throw unsupported(node.op, "vectors");
  const g = gradients[0]!;
  const scale = floatOf(alpha, 1);
  const product = (x: Value, y: Value, transX: boolean, transY: boolean): Value =>
    fusedMatMul(builder, x, y, { transX, transY, scale });
  const byA =
    transA === 1
      ? () => product(b, g, transB === 1, true)
      : () => product(g, b, false, transB !== 1);
  const byB =
    transB === 1
      ? () => product(g, a, true, transA === 1)
      : () => product(a, g, transA !== 1, false);
  return [
    wanted(0) ? summedTo(builder, byA(), a.shape) : undefined,
    wanted(1) ? summedTo(builder, byB(), b.shape) : undefined,
  ];
};

/** scale * X Y over the last two axes, each transposed where it says so. */
export function fusedMatMul(
  builder: GraphBuilder,
  x: Value,
  y: Value,
  { transX = false, transY = false, scale = 1 } = {},
): Value {
  const attributes = {
    ...(transX && { transA: 1 }),
    ...(transY && { transB: 1 }),
    ...(scale !== 1 && { alpha: { float: scale } }),
  };
  if (Object.keys(attributes).length === 0) return builder.node("MatMul", [x, y]);
  return builder.node("FusedMatMul", [x, y], attributes, { domain: "com.microsoft" });
}

const unsupported = (op: string, what: string): PostgradError =>
  new PostgradError("train/no-gradient", `the gradient of ${op} with ${what} is not supported`, {
    fault: "system",
  });

/** Matrix products. */
export const matrixRules: Readonly<Record<string, GradientRule>> = {
  Gemm: gemm,
  MatMul: matmul,
  FusedMatMul: matmul,
};
