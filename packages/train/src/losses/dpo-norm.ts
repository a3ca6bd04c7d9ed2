import { Type } from "typebox";

import { Beta, LabelSmoothing } from "./beta.ts";
import { defineLoss } from "./loss.ts";
import { implicitReward, logRatioMargin, smoothedLogistic } from "./terms.ts";

/**
 * Length-normalised DPO: DPO over the means of each response's log-ratios, so that long answers do not win by length.
 *
 * Source: Tulu 3, arXiv 2411.15124, section 5.1.
 * Example: log-ratios 2 over 20 tokens and -1 over 12, beta = 5: h = 0.1 + 1/12, loss log(1 + exp(-5h)) = 0.336365
 */
export const dpoNorm = defineLoss({
  name: "dpo-norm",
  summary: "length-normalised DPO (arXiv 2411.15124): DPO over means of log-ratios",
  rows: "pairs",
  usesReference: true,
  options: Type.Object(
    {
      beta: Beta(5, "how strongly the policy is held to the reference"),
      labelSmoothing: LabelSmoothing,
    },
    { additionalProperties: false },
  ),
  row: (math, { beta, labelSmoothing }, chosen, rejected) => {
    const margin = logRatioMargin(math, chosen, rejected, "mean");
    return smoothedLogistic(math, math.mul(math.constant(beta), margin), labelSmoothing);
  },
  reward: ({ beta }, response) => implicitReward(beta, response, "mean"),
});
