import type { GradientRule } from "../rule.ts";

/** Rotary positions are rotations: the gradient is turned back by the same angles. Cosines and sines take none. */
export const rotaryRules: Readonly<Record<string, GradientRule>> = {
  RotaryEmbedding: ({ builder, node, gradients }) => {
    const [, cos, sin] = node.inputs;
    const back = builder.node("Neg", [sin]);
    return [
      builder.node("RotaryEmbedding", [gradients[0], cos, back], node.attributes, {
        domain: node.domain,
      }),
    ];
  },
};
