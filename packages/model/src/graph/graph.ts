import type { DataType } from "./data-type.ts";
import type { Shape } from "./dimension.ts";

/** A tensor of a graph: what its name, element type and shape are. Two values are the same when they are the same object. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: Shape;
}

/** What an attribute of a node may hold. Whole numbers are written as ONNX ints; wrap others, or whole floats, in `float`. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One operation. `domain` is `""` for standard ONNX and `"com.microsoft"` for the runtime's own operators. */
export interface Node {
  readonly op: string;
  readonly domain: "" | "com.microsoft";
  /** In the operator's order; `undefined` where an optional input is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Where the bytes of a tensor lie in a file: little-endian, row-major, without gaps. */
export interface FileRange {
  /** Absolute path (in the browser: URL) of the file. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** A constant of a graph: its bytes, or where they lie. */
export interface Initializer {
  readonly value: Value;
  readonly data: Uint8Array | FileRange;
}

/** A whole graph as plain data. `nodes` are in an order in which they can run. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
}
