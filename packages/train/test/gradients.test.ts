import { GraphBuilder, type Value } from "@postgrad/model";
import { expect, test } from "vitest";

import { gradientRules, gradients } from "../src/index.ts";
import { type Operation, worstDifference } from "./differences.ts";

type Build = Operation["build"];

const plain =
  (op: string, attributes = {}, domain: "" | "com.microsoft" = ""): Build =>
  (builder, inputs) =>
    builder.node(op, inputs, attributes, { domain });

const pair = [
  [3, 4],
  [3, 4],
] as const;
const one = [[3, 4]] as const;
const float = (builder: GraphBuilder, value: number): Value => builder.constant("float32", value);
const stashed = { axis: -1, epsilon: { float: 1e-5 } };

/** Every operator, some in several forms. The word before the space is the operator. */
const operations: Record<string, Operation> = {
  Abs: { shapes: one, build: plain("Abs"), range: [0.5, 2] },
  Add: { shapes: pair, build: plain("Add") },
  "Add broadcast over rows": { shapes: [[3, 4], [4]], build: plain("Add") },
  "Add broadcast over columns": {
    shapes: [
      [2, 3, 4],
      [3, 1],
    ],
    build: plain("Add"),
  },
  "Add to itself": { shapes: one, build: (b, [x]) => b.add(x!, b.mul(x!, x!)) },
  Sub: { shapes: [[4], [3, 4]], build: plain("Sub") },
  Mul: {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    build: plain("Mul"),
  },
  Div: { shapes: pair, build: plain("Div"), range: [0.7, 2] },
  Pow: { shapes: [[3, 4], [1]], build: plain("Pow"), range: [0.7, 2] },
  "Max of different values": {
    shapes: pair,
    build: (b, [x, y]) => b.node("Max", [x, b.add(y!, float(b, 4))]),
  },
  "Max both ways": {
    shapes: pair,
    build: (b, [x, y]) => b.node("Max", [b.add(x!, float(b, 4)), y]),
  },
  Min: { shapes: pair, build: (b, [x, y]) => b.node("Min", [x, b.add(y!, float(b, 4))]) },
  Neg: { shapes: one, build: plain("Neg") },
  Reciprocal: { shapes: one, build: plain("Reciprocal"), range: [0.7, 2] },
  Sqrt: { shapes: one, build: plain("Sqrt"), range: [0.7, 2] },
  Exp: { shapes: one, build: plain("Exp") },
  Log: { shapes: one, build: plain("Log"), range: [0.7, 2] },
  Sin: { shapes: one, build: plain("Sin") },
  Cos: { shapes: one, build: plain("Cos") },
  "Relu above 0": { shapes: one, build: plain("Relu"), range: [0.5, 2] },
  "Relu below 0": { shapes: one, build: plain("Relu"), range: [-2, -0.5] },
  Sigmoid: { shapes: one, build: plain("Sigmoid") },
  Tanh: { shapes: one, build: plain("Tanh") },
  Softplus: { shapes: one, build: plain("Softplus") },
  Erf: { shapes: one, build: plain("Erf") },
  QuickGelu: {
    shapes: one,
    build: plain("QuickGelu", { alpha: { float: 1.702 } }, "com.microsoft"),
  },
  "QuickGelu as SiLU": {
    shapes: one,
    build: plain("QuickGelu", { alpha: { float: 1 } }, "com.microsoft"),
  },
  Gelu: { shapes: one, build: plain("Gelu") },
  "Gelu by tanh": { shapes: one, build: plain("Gelu", { approximate: "tanh" }) },
  FastGelu: { shapes: one, build: plain("FastGelu", {}, "com.microsoft") },
  Gemm: { shapes: [[2, 3], [3, 4], [4]], build: plain("Gemm") },
  "Gemm transposed right": {
    shapes: [
      [2, 3],
      [4, 3],
      [2, 4],
    ],
    build: plain("Gemm", { transB: 1 }),
  },
  "Gemm transposed left": {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    build: plain("Gemm", { transA: 1 }),
  },
  "Gemm transposed both": {
    shapes: [
      [3, 2],
      [4, 3],
    ],
    build: plain("Gemm", { transA: 1, transB: 1 }),
  },
  MatMul: {
    shapes: [
      [2, 2, 3],
      [2, 3, 4],
    ],
    build: plain("MatMul"),
  },
  "MatMul broadcast": {
    shapes: [
      [2, 3, 2, 3],
      [2, 1, 3, 2],
    ],
    build: plain("MatMul"),
  },
  "FusedMatMul transposed right": {
    shapes: [
      [2, 2, 3],
      [2, 4, 3],
    ],
    build: plain("FusedMatMul", { transB: 1, alpha: { float: 0.5 } }, "com.microsoft"),
  },
  "FusedMatMul transposed left": {
    shapes: [
      [2, 3, 2],
      [2, 3, 4],
    ],
    build: plain("FusedMatMul", { transA: 1 }, "com.microsoft"),
  },
  SimplifiedLayerNormalization: {
    shapes: [[3, 4], [4]],
    build: plain("SimplifiedLayerNormalization", { ...stashed, stash_type: 1 }),
  },
  "SimplifiedLayerNormalization of heads": {
    shapes: [[2, 3, 4], [4]],
    build: plain("SimplifiedLayerNormalization", { ...stashed, stash_type: 1 }),
  },
  LayerNormalization: { shapes: [[3, 4], [4], [4]], build: plain("LayerNormalization", stashed) },
  ReduceSum: { shapes: [[2, 3, 4]], build: (b, [x]) => b.reduce("ReduceSum", x!, [1]) },
  "ReduceSum without its axis": {
    shapes: [[2, 3, 4]],
    build: (b, [x]) => b.reduce("ReduceSum", x!, [0, 2], false),
  },
  ReduceMean: { shapes: [[2, 3, 4]], build: (b, [x]) => b.reduce("ReduceMean", x!, [-1]) },
  ReduceMax: {
    shapes: [[1, 3]],
    build: (b, [x]) =>
      b.reduce("ReduceMax", b.add(x!, b.constant("float32", [0, 9, 4], [1, 3])), [1]),
  },
  Softmax: { shapes: one, build: plain("Softmax", { axis: -1 }) },
  LogSoftmax: { shapes: one, build: plain("LogSoftmax", { axis: -1 }) },
  RotaryEmbedding: {
    shapes: [[2, 3, 8]],
    build: (b, [x]) => {
      const angles = Array.from({ length: 12 }, (_, i) => 0.3 * i);
      const [cos, sin] = [Math.cos, Math.sin].map((f) =>
        b.constant("float32", angles.map(f), [2, 3, 2]),
      );
      return b.node("RotaryEmbedding", [x, cos, sin], { num_heads: 2 });
    },
  },
  "RotaryEmbedding of a part of each head": {
    shapes: [[1, 2, 16]],
    build: (b, [x]) => {
      const angles = Array.from({ length: 4 }, (_, i) => 0.3 * i);
      const [cos, sin] = [Math.cos, Math.sin].map((f) =>
        b.constant("float32", angles.map(f), [1, 2, 2]),
      );
      return b.node("RotaryEmbedding", [x, cos, sin], { num_heads: 2, rotary_embedding_dim: 4 });
    },
  },
  "Gather with repeated rows": {
    shapes: [[3, 2]],
    build: (b, [x]) => b.node("Gather", [x, b.constant("int64", [2, 0, 2, 2])], { axis: 0 }),
  },
  ScatterElements: {
    shapes: [
      [3, 2],
      [4, 2],
    ],
    build: (b, [x, y]) => {
      const places = b.constant("int64", [0, 1, 2, 2, 0, 0, 2, 1], [4, 2]);
      const attributes = { axis: 0, reduction: "add" };
      return b.node("ScatterElements", [x, places, y], attributes, { outputs: [x!] });
    },
  },
  Where: {
    shapes: [
      [3, 4],
      [1, 4],
    ],
    build: (b, [x, y]) => b.node("Where", [b.constant("bool", [1, 0, 1, 0]), x, y]),
  },
  Identity: { shapes: one, build: plain("Identity") },
  Cast: {
    shapes: one,
    build: (b, [x]) => b.node("Cast", [x], { to: 1 }, { outputs: [x!] }),
  },
  Reshape: { shapes: one, build: (b, [x]) => b.reshape(b.mul(x!, x!), [2, 6]) },
  Unsqueeze: { shapes: one, build: (b, [x]) => b.unsqueeze(x!, [1]) },
  Squeeze: {
    shapes: [[3, 1, 4]],
    build: (b, [x]) =>
      b.node(
        "Squeeze",
        [x, b.constant("int64", [1])],
        {},
        { outputs: [{ type: "float32", shape: [3, 4] }] },
      ),
  },
  Expand: {
    shapes: [[3, 1]],
    build: (b, [x]) =>
      b.node(
        "Expand",
        [x, b.constant("int64", [2, 3, 4])],
        {},
        {
          outputs: [{ type: "float32", shape: [2, 3, 4] }],
        },
      ),
  },
  Transpose: { shapes: [[2, 3, 4]], build: (b, [x]) => b.transpose(x!, [2, 0, 1]) },
  Slice: { shapes: [[2, 5]], build: (b, [x]) => b.slice(x!, 1, 1, 4) },
  "Slice from behind": { shapes: [[2, 5]], build: (b, [x]) => b.slice(x!, 1, -3, 9) },
  Split: {
    shapes: [[2, 5]],
    build: (b, [x]) => {
      const [first, , last] = b.split(x!, 1, [2, 1, 2]);
      return b.mul(first!, last!);
    },
  },
  Concat: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: (b, [x, y]) => b.concat([x!, y!, x!], 1),
  },
};

test.each(Object.entries(operations))(
  "%s agrees with central differences",
  async (_name, operation) => {
    expect(await worstDifference(operation)).toBeLessThan(2e-4);
  },
);

test("every rule is checked", () => {
  const checked = new Set(Object.keys(operations).map((name) => name.split(" ")[0]));
  expect(Object.keys(gradientRules).filter((op) => !checked.has(op))).toEqual([]);
});

test("an operator without a rule is refused by name", () => {
  const builder = new GraphBuilder("refused");
  const x = builder.input("x", "float32", [2]);
  const sum = builder.reduce("ReduceSum", builder.node("Trilu", [x]), [0], false);
  expect(() => gradients(builder, sum, [x])).toThrow(
    'the operator "Trilu" (of "Trilu_1") has no gradient rule',
  );
});

test("what nothing depends on has no gradient", () => {
  const builder = new GraphBuilder("independent");
  const [x, y] = ["x", "y"].map((name) => builder.input(name, "float32", [2]));
  const sum = builder.reduce("ReduceSum", x!, [0], false);
  expect(gradients(builder, sum, [x!, y!])[1]).toBeUndefined();
});
