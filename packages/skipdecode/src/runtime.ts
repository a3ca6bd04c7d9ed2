/** Element types that graphs of this project take and give. */
export type ElementType = "float32" | "int64" | "int32" | "bool";

/** The array that holds the elements of a type. */
export interface ElementArrays {
  readonly float32: Float32Array;
  readonly int64: BigInt64Array;
  readonly int32: Int32Array;
  readonly bool: Uint8Array;
}

/** Numbers in row-major order with a shape. */
export interface Tensor<Type extends ElementType = ElementType> {
  readonly type: Type;
  readonly dims: readonly number[];
  readonly data: ElementArrays[Type];
}

/** A graph to open: an ONNX model in memory, which may name weights that lie in files of `weights`. */
export interface RuntimeGraph {
  readonly bytes: Uint8Array;
  /** Node: folder that external data is found in. Browser: the files themselves by name. */
  readonly weights?: string | ReadonlyMap<string, Uint8Array>;
}

/** How a session runs. */
export interface SessionOptions {
  /** Threads within an operator; default: the runtime's own choice (the physical cores). */
  readonly threads?: number;
}

/** An open graph. */
export interface Session {
  /**
   * Binds `tensor` to an input until another one is bound. Its memory may be read in place at each run: what is written
   * into `tensor.data` before a run is what the run sees.
   */
  bind(input: string, tensor: Tensor): void;
  /** Runs with the bound inputs and returns the outputs asked for, in that order. */
  run(outputs: readonly string[]): Promise<Tensor[]>;
  /** Releases memory and threads. */
  dispose(): Promise<void>;
}

/** What the engine needs of ONNX Runtime, whichever build of it runs underneath. */
export interface Runtime {
  /** Name for reports, with the back end: `onnxruntime-node cpu`. */
  readonly name: string;
  /** Memory for a tensor, zeroed. */
  allocate<Type extends ElementType>(type: Type, dims: readonly number[]): Tensor<Type>;
  open(graph: RuntimeGraph, options?: SessionOptions): Promise<Session>;
}
