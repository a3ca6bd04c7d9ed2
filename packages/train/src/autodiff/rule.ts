import type { GraphBuilder, Node, Value } from "@postgrad/model";

/** What a gradient rule works with. */
export interface RuleInput {
  /** The graph that the gradient's operations are appended to. */
  readonly builder: GraphBuilder;
  /** The operation that is differentiated. */
  readonly node: Node;
  /** Gradients by the operation's outputs; undefined where nothing depends on one. The first is there unless others are. */
  readonly gradients: readonly (Value | undefined)[];
  /** Whether the gradient by input `index` is wanted: what is not wanted need not be built. */
  readonly wanted: (index: number) => boolean;
}

/**
 * Appends the gradient of one operation: the gradients by its inputs, in the operator's order, undefined for those that have
 * none or are not wanted. Each has exactly the shape of its input.
 */
export type GradientRule = (input: RuleInput) => readonly (Value | undefined)[];
