import { Type } from "typebox";

import { Beta, LogpsOption } from "./beta.ts";
import { defineLoss } from "./loss.ts";
import { implicitReward, logRatioMargin } from "./terms.ts";

/**
 * Identity preference optimisation: (h - 1/(2 * beta))^2, which also pulls back a margin that has gone past its target.
 *
 * Source: Azar et al., arXiv 2310.12036, equation 17, where beta is called tau. Means by default, as in TRL.
 * Example: h = 3 over sums, beta = 0.1: target 5, loss 4, derivative by the chosen one -4.
 */
export const ipo = defineLoss({
  name: "ipo",
  summary: "IPO (arXiv 2310.12036): (h - 1/(2 beta))^2",
  rows: "pairs",
  usesReference: true,
  options: Type.Object(
    {
      beta: Beta(0.1, "the paper's tau: the margin's target is 1/(2 beta)"),
      logps: LogpsOption("mean"),
    },
    { additionalProperties: false },
  ),
  row: (math, { beta, logps }, chosen, rejected) => {
    const margin = logRatioMargin(math, chosen, rejected, logps);
    const off = math.sub(margin, math.constant(1 / (2 * beta)));
    return math.mul(off, off);
  },
  reward: ({ beta, logps }, response) => implicitReward(beta, response, logps),
});
