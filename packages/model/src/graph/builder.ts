import { PostgradError } from "@postgrad/schema";

import { constantBytes, type NumberList } from "./constant.ts";
import { type DataType, dataTypes } from "./data-type.ts";
import { type Dimension, productOf, type Shape } from "./dimension.ts";
import type { Attribute, FileRange, Graph, Initializer, Node, Value } from "./graph.ts";
import { type Form, inferred, positiveAxis } from "./inference.ts";

/** What `node` takes beside inputs and attributes. */
export interface NodeOptions {
  /** `"com.microsoft"` for the runtime's own operators; standard ONNX by default. */
  readonly domain?: Node["domain"];
  /** Forms of the outputs, where no rule of `inference.ts` gives them. */
  readonly outputs?: readonly Form[];
  /** How many of the operator's outputs are wanted; the first by default. */
  readonly count?: number;
}

/**
 * Builds a graph node by node. Every value knows its type and shape as soon as it exists; symbols of dimensions are bound by
 * the graph's inputs. The nodes stay readable while building, so that a gradient can be appended to its forward pass.
 */
export class GraphBuilder {
  readonly name: string;
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  readonly #constants = new Map<string, Value>();
  readonly #dimensions = new Map<string, Value>();
  readonly #vectors = new Map<string, Value>();
  readonly #names = new Set<string>();
  #scope = "";

  constructor(name: string) {
    this.name = name;
  }

  /** A value that is fed when the graph runs. */
  input(name: string, type: DataType, shape: Shape): Value {
    const value = this.#value(name, { type, shape });
    this.inputs.push(value);
    return value;
  }

  /** Makes `value` an output of the graph under `name`. */
  output(name: string, value: Value): void {
    this.outputs.push({ name, value });
  }

  /** A named constant: its bytes, or the place in a file where they lie. */
  initializer(
    name: string,
    type: DataType,
    shape: readonly number[],
    data: Uint8Array | FileRange,
  ): Value {
    const value = this.#value(name, { type, shape });
    this.initializers.push({ value, data });
    return value;
  }

  /** A small constant from numbers; equal ones are one value. `shape` defaults to a vector, or a scalar for one number. */
  constant(type: DataType, data: number | NumberList, shape?: readonly number[]): Value {
    const numbers = typeof data === "number" ? [data] : data;
    const form = shape ?? (typeof data === "number" ? [] : [numbers.length]);
    const bytes = constantBytes(type, numbers);
    const key = `${type} [${form.join()}] ${bytes.length > 256 ? "" : bytes.join()}`;
    const known = bytes.length > 256 ? undefined : this.#constants.get(key);
    if (known) return known;
    const value = this.initializer(this.#fresh("constant"), type, form, bytes);
    this.#constants.set(key, value);
    return value;
  }

  /** Appends an operation and returns its first output. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value {
    return this.outputsOf(op, inputs, attributes, options)[0]!;
  }

  /** Appends an operation and returns as many of its outputs as `count` or `outputs` says. */
  outputsOf(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    { domain = "", outputs, count = outputs?.length ?? 1 }: NodeOptions = {},
  ): readonly Value[] {
    const forms = (outputs ?? inferred(op, inputs, attributes)).slice(0, count);
    const values = forms.map((form) => this.#value(this.#fresh(op), form));
    this.nodes.push({ op, domain, inputs, outputs: values, attributes });
    return values;
  }

  /**
   * All outputs of an operation that is there already, extended to `forms`: a gradient asks for optional outputs (a norm's
   * inverse deviation) that the forward pass computes anyhow.
   */
  extended(output: Value, forms: readonly Form[]): readonly Value[] {
    const at = this.nodes.findIndex(({ outputs }) => outputs[0] === output);
    const node = this.nodes[at]!;
    const more = forms
      .slice(node.outputs.length)
      .map((form) => this.#value(this.#fresh(node.op), form));
    const outputs = [...node.outputs, ...more];
    this.nodes[at] = { ...node, outputs };
    return outputs;
  }

  /** Runs `build` with `scope/` in front of the names of what it makes. */
  within<Result>(scope: string, build: () => Result): Result {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** `x` with the same elements in another shape; symbols that `x` has not in the same place are read from the graph. */
  reshape(x: Value, shape: Shape): Value {
    if (productOf(x.shape) !== productOf(shape)) {
      throw new PostgradError(
        "model/shape",
        `"${x.name}" [${x.shape.join(", ")}] cannot be reshaped to [${shape.join(", ")}]`,
      );
    }
    if (x.shape.length === shape.length && x.shape.every((length, axis) => length === shape[axis]))
      return x;
    const target = this.#reshapeTarget(x, shape);
    return this.node("Reshape", [x, target], {}, { outputs: [{ type: x.type, shape }] });
  }

  /** The elements `start` (inclusive) to `end` (exclusive) of one axis; both may be one-element int64 values. */
  slice(
    x: Value,
    axis: number,
    start: number | Value,
    end: number | Value,
    length?: Dimension,
  ): Value {
    const at = positiveAxis(axis, x.shape.length);
    const bounds = [start, end].map((bound) =>
      typeof bound === "number" ? this.constant("int64", [bound]) : bound,
    );
    const size = length ?? sliceLength(x.shape[at]!, start, end);
    const outputs = [{ type: x.type, shape: x.shape.with(at, size) }];
    return this.node("Slice", [x, ...bounds, this.constant("int64", [at])], {}, { outputs });
  }

  /** Cuts `axis` into parts of the given lengths. */
  split(x: Value, axis: number, lengths: readonly number[]): readonly Value[] {
    if (lengths.length === 1) return [x];
    const at = positiveAxis(axis, x.shape.length);
    const outputs = lengths.map((length) => ({ type: x.type, shape: x.shape.with(at, length) }));
    return this.outputsOf("Split", [x, this.constant("int64", lengths)], { axis: at }, { outputs });
  }

  /** Inserts axes of length 1 at the given places of the result. */
  unsqueeze(x: Value, axes: readonly number[]): Value {
    const shape = axes
      .toSorted((a, b) => a - b)
      .reduce<Shape>((grown, axis) => grown.toSpliced(axis, 0, 1), x.shape);
    return this.node(
      "Unsqueeze",
      [x, this.constant("int64", axes)],
      {},
      { outputs: [{ type: x.type, shape }] },
    );
  }

  /** Sum, mean or greatest element over `axes`, which stay with length 1 unless `keep` is false. */
  reduce(
    op: "ReduceSum" | "ReduceMean" | "ReduceMax",
    x: Value,
    axes: readonly number[],
    keep = true,
  ): Value {
    const at = axes.map((axis) => positiveAxis(axis, x.shape.length));
    const shape = keep
      ? x.shape.map((length, axis) => (at.includes(axis) ? 1 : length))
      : x.shape.filter((_, axis) => !at.includes(axis));
    const outputs = [{ type: x.type, shape }];
    return this.node(op, [x, this.constant("int64", at)], { keepdims: keep ? 1 : 0 }, { outputs });
  }

  /** `x` in another element type. */
  cast(x: Value, type: DataType): Value {
    if (x.type === type) return x;
    return this.node(
      "Cast",
      [x],
      { to: dataTypes[type].onnx },
      { outputs: [{ type, shape: x.shape }] },
    );
  }

  /** `x` times `weight` transposed, plus `bias`: the linear layer of PyTorch, for `x` [rows, in] and `weight` [out, in]. */
  gemm(x: Value, weight: Value, bias?: Value): Value {
    return this.node("Gemm", bias ? [x, weight, bias] : [x, weight], { transB: 1 });
  }

  /** Sum of both, broadcast. */
  add(a: Value, b: Value): Value {
    return this.node("Add", [a, b]);
  }

  /** Difference of both, broadcast. */
  sub(a: Value, b: Value): Value {
    return this.node("Sub", [a, b]);
  }

  /** Product of both, element by element, broadcast. */
  mul(a: Value, b: Value): Value {
    return this.node("Mul", [a, b]);
  }

  /** Quotient of both, element by element, broadcast. */
  div(a: Value, b: Value): Value {
    return this.node("Div", [a, b]);
  }

  /** The axes of `x` in another order. */
  transpose(x: Value, perm: readonly number[]): Value {
    return this.node("Transpose", [x], { perm });
  }

  /** The parts laid end to end along `axis`. */
  concat(parts: readonly Value[], axis: number): Value {
    return parts.length === 1 ? parts[0]! : this.node("Concat", parts, { axis });
  }

  /** The length of a dimension as a one-element int64 value; symbols are read from a value that has them. */
  lengthOf(dimension: Dimension): Value {
    if (typeof dimension === "number") return this.constant("int64", [dimension]);
    const known = this.#dimensions.get(dimension);
    if (known) return known;
    const source = this.#ownerOf(dimension);
    const start = source.shape.indexOf(dimension);
    const outputs = [{ type: "int64", shape: [1] }] as const;
    const length = this.node("Shape", [source], { start, end: start + 1 }, { outputs });
    this.#dimensions.set(dimension, length);
    return length;
  }

  /** A shape as an int64 vector, for operators that take one (Expand, ConstantOfShape). */
  shapeVector(shape: Shape): Value {
    return this.#vector(shape);
  }

  /** The graph as plain data; outputs get the names they were given. */
  finish(): Graph {
    const renamed = this.#namedOutputs();
    const now = (value: Value): Value => renamed.get(value) ?? value;
    return {
      name: this.name,
      inputs: [...this.inputs],
      outputs: this.outputs.map(({ value }) => now(value)),
      nodes: this.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((input) => input && now(input)),
        outputs: node.outputs.map(now),
      })),
      initializers: [...this.initializers],
    };
  }

  /** The new form of each output value. One that is an input, a constant or already an output goes through an Identity. */
  #namedOutputs(): ReadonlyMap<Value, Value> {
    const made = new Set(this.nodes.flatMap((node) => node.outputs));
    const renamed = new Map<Value, Value>();
    for (const [index, { name, value }] of this.outputs.entries()) {
      const own = made.has(value) && !renamed.has(value) ? value : this.node("Identity", [value]);
      this.outputs[index] = { name, value: own };
      renamed.set(own, { ...own, name });
    }
    return renamed;
  }

  /** Lengths as an int64 vector; equal ones are one value. */
  #vector(lengths: Shape): Value {
    if (lengths.every((length) => typeof length === "number"))
      return this.constant("int64", lengths);
    const key = lengths.join();
    const known = this.#vectors.get(key);
    if (known) return known;
    const vector = this.concat(
      lengths.map((length) => this.lengthOf(length)),
      0,
    );
    this.#vectors.set(key, vector);
    return vector;
  }

  #value(name: string, form: Form): Value {
    if (this.#names.has(name)) {
      throw new PostgradError(
        "model/duplicate-name",
        `the graph "${this.name}" has two values "${name}"`,
      );
    }
    this.#names.add(name);
    return { name, type: form.type, shape: form.shape };
  }

  #fresh(op: string): string {
    return `${this.#scope}${op}_${this.#names.size}`;
  }

  #ownerOf(dimension: string): Value {
    const values = [...this.inputs, ...this.nodes.flatMap(({ outputs }) => outputs)];
    const owner = values.find(({ shape }) => shape.includes(dimension));
    if (owner) return owner;
    throw new PostgradError(
      "model/shape",
      `no value of the graph "${this.name}" has the dimension "${dimension}"`,
    );
  }

  /** Reshape's own shorthand where it is enough: 0 keeps the axis in this place, one -1 takes what is left. */
  #reshapeTarget(x: Value, shape: Shape): Value {
    const kept = shape.map((length, axis) =>
      typeof length === "number" ? length : length === x.shape[axis] ? 0 : undefined,
    );
    const open = kept.filter((length) => length === undefined).length;
    if (open < 2)
      return this.constant(
        "int64",
        kept.map((length) => length ?? -1),
      );
    const first = kept.indexOf(undefined);
    return this.#vector(kept.map((length, axis) => length ?? (axis === first ? -1 : shape[axis]!)));
  }
}

function sliceLength(length: Dimension, start: number | Value, end: number | Value): Dimension {
  if (typeof length !== "number" || typeof start !== "number" || typeof end !== "number") {
    throw new PostgradError(
      "model/shape",
      `the length of a slice of "${length}" is not known: pass it`,
    );
  }
  const clamp = (bound: number): number =>
    Math.min(Math.max(bound < 0 ? bound + length : bound, 0), length);
  return Math.max(clamp(end) - clamp(start), 0);
}
