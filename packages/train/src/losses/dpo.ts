import { Type } from "typebox";

import { Beta, LabelSmoothing } from "./beta.ts";
import { defineLoss } from "./loss.ts";
import { implicitReward, logRatioMargin, smoothedLogistic } from "./terms.ts";

/**
 * Direct preference optimisation: -log sigmoid(beta * h) over sums of log-probabilities.
 *
 * Source: Rafailov et al., arXiv 2305.18290; with smoothing: cDPO (Mitchell, 2023).
 * Example: h = 3, beta = 0.1: 0.5543552445, and the derivative by the chosen one's log-probability is -0.0425557483.
 */
export const dpo = defineLoss({
  name: "dpo",
  summary: "DPO (arXiv 2305.18290): -log sigmoid(beta * h)",
  rows: "pairs",
  usesReference: true,
  options: Type.Object(
    {
      beta: Beta(0.1, "how strongly the policy is held to the reference"),
      labelSmoothing: LabelSmoothing,
    },
    { additionalProperties: false },
  ),
  row: (math, { beta, labelSmoothing }, chosen, rejected) => {
    const margin = logRatioMargin(math, chosen, rejected, "sum");
    return smoothedLogistic(math, math.mul(math.constant(beta), margin), labelSmoothing);
  },
  reward: ({ beta }, response) => implicitReward(beta, response, "sum"),
});
