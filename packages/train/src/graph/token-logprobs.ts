import type { GraphBuilder, Value } from "@postgrad/model";

import type { Formula } from "../autodiff/gradients.ts";

/**
 * log p(target) for each row of `logits` [rows, vocabulary], and its gradient, fused by hand.
 *
 * With p = softmax(logits): the greatest p is exp(greatest logit - logsumexp), so logsumexp comes from two maxima, without a
 * pass of exponentials of its own; the greatest p is at least 1 / vocabulary, so its logarithm is accurate. The gradient is
 * (onehot - p) times the incoming one.
 */
export function tokenLogprobs(
  builder: GraphBuilder,
  logits: Value,
  targets: Value,
): { readonly logprobs: Value; readonly formula: Formula } {
  const [rows] = logits.shape;
  const probabilities = builder.node("Softmax", [logits], { axis: -1 });
  const greatest = builder.reduce("ReduceMax", logits, [1]);
  const peak = builder.node("Log", [builder.reduce("ReduceMax", probabilities, [1])]);
  const logsumexp = builder.sub(greatest, peak);
  const places = builder.reshape(targets, [rows!, 1]);
  const column = [{ type: "float32", shape: [rows!, 1] }] as const;
  const wanted = builder.node("GatherElements", [logits, places], { axis: 1 }, { outputs: column });
  const logprobs = builder.reshape(builder.sub(wanted, logsumexp), [rows!]);
  const gradient = (g: Value): readonly Value[] => {
    const by = builder.reshape(g, [rows!, 1]);
    const pull = builder.mul(probabilities, builder.node("Neg", [by]));
    const attributes = { axis: 1, reduction: "add" };
    return [
      builder.node("ScatterElements", [pull, places, by], attributes, {
        outputs: [{ type: "float32", shape: logits.shape }],
      }),
    ];
  };
  return { logprobs, formula: { output: logprobs, inputs: [logits], gradient } };
}
