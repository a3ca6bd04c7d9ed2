import type { GraphBuilder, Node, Value } from "@postgrad/model";
import { PostgradError } from "@postgrad/schema";

import type { GradientRule } from "./rule.ts";
import { rules } from "./rules/index.ts";

/**
 * A gradient worked out by hand for a piece of the graph: where the sweep meets `output`, it goes on at `inputs`, and what
 * lies between is not differentiated operator by operator.
 */
export interface Formula {
  readonly output: Value;
  readonly inputs: readonly Value[];
  /** The gradients by `inputs` from the one by `output`. */
  gradient(byOutput: Value): readonly (Value | undefined)[];
}

/**
 * Appends the gradients of the scalar `of` to the graph and returns one for each of `by`, in order; undefined where `of` does
 * not depend on one. The values `by` are leaves: no gradient flows through them.
 *
 * Reverse mode: nodes are visited last to first, each hands the gradients of its outputs to its inputs by its operator's
 * rule, and what meets at a value is added.
 *
 * Throws `train/no-gradient` for an operator without a rule, by name.
 */
export function gradients(
  builder: GraphBuilder,
  of: Value,
  by: readonly Value[],
  formulas: readonly Formula[] = [],
): readonly (Value | undefined)[] {
  const forward = [...builder.nodes];
  const leaves = new Set(by);
  const dependent = dependents(forward, leaves);
  const formulaOf = new Map(formulas.map((formula) => [formula.output, formula]));
  const arrived = new Map<Value, Value[]>([[of, [builder.constant("float32", 1)]]]);
  const hand = (value: Value | undefined, gradient: Value | undefined): void => {
    if (!value || !gradient || !dependent.has(value)) return;
    arrived.set(value, [...(arrived.get(value) ?? []), gradient]);
  };
  for (const node of forward.toReversed()) {
    if (node.outputs.every((output) => leaves.has(output) || !arrived.has(output))) continue;
    const gradientsOf = node.outputs.map((output) => total(builder, arrived.get(output)));
    const formula = formulaOf.get(node.outputs[0]!);
    const inputs = formula?.inputs ?? node.inputs;
    const found = formula
      ? formula.gradient(gradientsOf[0]!)
      : ruleOf(node)({
          builder,
          node,
          gradients: gradientsOf,
          wanted: (index) => dependent.has(node.inputs[index]!),
        });
    for (const [index, input] of inputs.entries()) hand(input, found[index]);
  }
  return by.map((value) => total(builder, arrived.get(value)));
}

/** The float values that depend on one of `leaves`, these included. */
function dependents(nodes: readonly Node[], leaves: ReadonlySet<Value>): ReadonlySet<Value> {
  const found = new Set(leaves);
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some((input) => input && found.has(input))) continue;
    for (const output of outputs) if (output.type === "float32") found.add(output);
  }
  return found;
}

function total(builder: GraphBuilder, parts: readonly Value[] | undefined): Value | undefined {
  return parts?.reduce((sum, part) => builder.add(sum, part));
}

function ruleOf({ op, outputs }: Node): GradientRule {
  const rule = rules[op];
  if (rule) return rule;
  throw new PostgradError(
    "train/no-gradient",
    `the operator "${op}" (of "${outputs[0]!.name}") has no gradient rule; there are rules for ${Object.keys(rules).toSorted().join(", ")}`,
    { fault: "system" },
  );
}
