import { Type } from "typebox";

import { Beta } from "./beta.ts";
import { defineLoss } from "./loss.ts";
import { implicitReward, logRatioMargin } from "./terms.ts";

/**
 * The hinge with a reference: max(0, 1 - beta * h). Not SLiC-HF's own hinge, which has no reference: that is `slic`.
 *
 * Source: RSO (Liu et al., arXiv 2309.06657), its `hinge-norm`; TRL's `hinge`.
 * Example: h = 3, beta = 0.1: 0.7, derivative by the chosen one -0.1.
 */
export const hinge = defineLoss({
  name: "hinge",
  summary: "the hinge with a reference, RSO's hinge-norm (arXiv 2309.06657): max(0, 1 - beta * h)",
  rows: "pairs",
  usesReference: true,
  options: Type.Object(
    { beta: Beta(0.1, "the reciprocal of the margin") },
    { additionalProperties: false },
  ),
  row: (math, { beta }, chosen, rejected) => {
    const margin = logRatioMargin(math, chosen, rejected, "sum");
    return math.relu(math.sub(math.constant(1), math.mul(math.constant(beta), margin)));
  },
  reward: ({ beta }, response) => implicitReward(beta, response, "sum"),
});
