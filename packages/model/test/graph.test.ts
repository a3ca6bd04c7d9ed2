import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";

import { ProtobufWriter } from "../src/graph/protobuf.ts";
import {
  broadcast,
  type Dimension,
  type Graph,
  GraphBuilder,
  productOf,
  sumOf,
  toOnnx,
  withWeightsInside,
} from "../src/index.ts";
import { open } from "./decoding.ts";

test("the wire format, byte for byte", () => {
  // examples of protobuf's own description: field 1 = 150; field 2 = "testing"; field 3 = a message with field 1 = 150
  const inner = new ProtobufWriter().integer(1, 150);
  const message = new ProtobufWriter()
    .integer(1, 150)
    .bytes(2, "testing")
    .bytes(3, inner)
    .float(4, 1);
  const expected = "08 96 01 12 07 74 65 73 74 69 6e 67 1a 03 08 96 01 25 00 00 80 3f";
  expect(Buffer.from(message.finish()).toString("hex")).toBe(expected.replaceAll(" ", ""));
  const negative = new ProtobufWriter().integer(1, -1).finish();
  expect(Buffer.from(negative).toString("hex")).toBe("08ffffffffffffffffff01");
});

test("sums and products of dimensions", () => {
  expect([sumOf([2, 3]), sumOf(["past", "tokens"]), sumOf(["past", 1, 2])]).toEqual([
    5,
    "past + tokens",
    "past + 3",
  ]);
  expect([productOf([]), productOf([2, 3]), productOf([4, "tokens"]), productOf(["b", 0])]).toEqual(
    [1, 6, "4 * tokens", 0],
  );
  expect(productOf([2, "4 * tokens", "batch"])).toBe("8 * batch * tokens");
  expect(productOf(["past + tokens"])).toBe("past + tokens");
  expect(productOf([2, "past + tokens"])).toBe("2 * (past + tokens)");
  expect(productOf(["2 * (past + tokens)", "batch"])).toBe(
    productOf(["batch", 2, "past + tokens"]),
  );
});

test("products do not depend on order and nesting", () => {
  const dimension = fc.oneof<fc.Arbitrary<Dimension>[]>(
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom("a", "b", "c", "a + b", "b + 2"),
  );
  fc.assert(
    fc.property(
      fc.array(dimension, { minLength: 1, maxLength: 6 }),
      fc.nat(6),
      (dimensions, cut) => {
        const nested = productOf([
          productOf(dimensions.slice(cut)),
          productOf(dimensions.slice(0, cut)),
        ]);
        expect(nested).toBe(productOf(dimensions));
      },
    ),
  );
});

test("broadcasting", () => {
  expect(broadcast(["batch", 1, 4], ["tokens", 1])).toEqual(["batch", "tokens", 4]);
  expect(broadcast(["?", 3], ["batch", 1])).toEqual(["batch", 3]);
  expect(() => broadcast([2, 3], [4, 3])).toThrow(
    "[2, 3] and [4, 3] do not broadcast: 2 against 4",
  );
  expect(() => broadcast(["a"], ["b"])).toThrow("a against b");
});

test("a graph is plain data: what goes in comes out, under the names that were given", async () => {
  const builder = new GraphBuilder("small");
  const x = builder.input("x", "float32", ["rows", 2]);
  const sum = builder.add(x, builder.constant("float32", 1));
  builder.output("sum", sum);
  builder.output("again", sum);
  builder.output("same", x);
  builder.output("negative", builder.node("Neg", [sum]));
  const graph = builder.finish();
  expect(structuredClone(graph)).toEqual(graph);
  const session = await open(graph);
  expect(session.outputNames).toEqual(["sum", "again", "same", "negative"]);
  const out = await session.run({ x: new ort.Tensor(Float32Array.of(1, 2), [1, 2]) });
  expect(Object.values(out).map(({ data }) => [...(data as Float32Array)])).toEqual([
    [2, 3],
    [2, 3],
    [1, 2],
    [-2, -3],
  ]);
});

test("shapes known while building are those that the runtime finds", async () => {
  const builder = new GraphBuilder("shapes");
  const x = builder.input("x", "float32", ["batch", "tokens", 6]);
  const y = builder.input("y", "float32", ["batch", 1]);
  const heads = builder.reshape(x, ["batch", "tokens", 2, 3]);
  const turned = builder.transpose(heads, [2, 1, 0, 3]);
  const flat = builder.reshape(turned, [2, "batch * tokens", 3]);
  const [left, right] = builder.split(x, -1, [2, 4]);
  const values = {
    heads,
    turned,
    flat,
    unfolded: builder.reshape(flat, [2, "tokens", "batch", 3]),
    left: left!,
    right: right!,
    both: builder.concat([x, right!, builder.slice(x, 2, 1, 3)], 2),
    longer: builder.concat([x, x], 1),
    mean: builder.reduce("ReduceMean", x, [1, 2], false),
    most: builder.reduce("ReduceMax", x, [0]),
    product: builder.node("MatMul", [heads, builder.transpose(heads, [0, 1, 3, 2])]),
    scaled: builder.unsqueeze(builder.mul(builder.unsqueeze(y, [1]), x), [0, 4]),
    rest: builder.slice(x, 1, builder.constant("int64", [1]), builder.lengthOf("tokens"), "rest"),
    length: builder.shapeVector(["tokens", 5, "batch"]),
  };
  for (const [name, value] of Object.entries(values)) builder.output(name, value);
  const session = await open(builder.finish());
  const [batch, tokens] = [3, 4];
  const out = await session.run({
    x: new ort.Tensor(new Float32Array(batch * tokens * 6), [batch, tokens, 6]),
    y: new ort.Tensor(new Float32Array(batch), [batch, 1]),
  });
  const sizes: Record<string, number> = {
    batch,
    tokens,
    "batch * tokens": 12,
    "tokens + tokens": 8,
    rest: 3,
  };
  for (const [name, value] of Object.entries(values)) {
    expect(out[name]!.dims, name).toEqual(
      value.shape.map((length) => (typeof length === "number" ? length : sizes[length])),
    );
    expect(out[name]!.type, name).toBe(value.type);
  }
  expect([...(out["length"]!.data as BigInt64Array)]).toEqual([4n, 5n, 3n]);
});

test("what cannot be is refused while building", () => {
  const builder = new GraphBuilder("wrong");
  const x = builder.input("x", "float32", ["batch", 6]);
  expect(() => builder.input("x", "float32", [])).toThrow('has two values "x"');
  expect(() => builder.reshape(x, ["batch", 5])).toThrow(
    '"x" [batch, 6] cannot be reshaped to [batch, 5]',
  );
  expect(() => builder.gemm(x, builder.input("w", "float32", [4, 5]))).toThrow(
    "cannot be multiplied: 6 against 5",
  );
  expect(() => builder.node("Unheard", [x])).toThrow('no shape rule for the operator "Unheard"');
  expect(() => builder.lengthOf("tokens")).toThrow('has the dimension "tokens"');
  expect(() => builder.slice(x, 0, 0, builder.constant("int64", [1]))).toThrow(
    'length of a slice of "batch"',
  );
});

test("weights in files: one folder, named by place; and read into the graph on demand", async () => {
  const builder = new GraphBuilder("files");
  const place = (path: string) => ({ path, offset: 8, length: 8 });
  const w = builder.initializer("w", "float32", [2], place("/a/one"));
  builder.output("y", builder.add(w, builder.initializer("v", "float32", [2], place("/a/two"))));
  const graph = builder.finish();
  expect(toOnnx(graph).folder).toBe("/a");
  const inside = await withWeightsInside(
    graph,
    async ({ path }) => new Uint8Array(Float32Array.of(path.length, 1).buffer),
  );
  expect(toOnnx(inside).folder).toBeUndefined();
  const session = await open(inside);
  const { y } = await session.run({});
  expect([...(y!.data as Float32Array)]).toEqual([12, 2]);

  builder.initializer("u", "float32", [2], place("/b/three"));
  expect(() => toOnnx(builder.finish())).toThrow("lie in 2 folders (/a, /b)");
});

test("a graph past protobuf's limit is refused", () => {
  const huge = { length: 2 ** 31 } as Uint8Array;
  Object.setPrototypeOf(huge, Uint8Array.prototype);
  const value = { name: "w", type: "uint8", shape: [2 ** 31] } as const;
  const graph: Graph = {
    name: "huge",
    inputs: [],
    outputs: [],
    nodes: [],
    initializers: [{ value, data: huge }],
  };
  expect(() => toOnnx(graph)).toThrow("protobuf stops at 2 GiB");
});
