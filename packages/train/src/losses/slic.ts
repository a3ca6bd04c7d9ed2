import { Type } from "typebox";

import type { Arithmetic } from "./arithmetic.ts";
import { LogpsOption } from "./beta.ts";
import { defineLoss, type Response, type StepFacts } from "./loss.ts";
import { policyLogp } from "./terms.ts";

/**
 * SLiC-HF: a hinge that calibrates the two responses, max(0, delta - log pi(chosen) + log pi(rejected)), plus lambda times
 * the negative log-likelihood of the chosen one against drift. No reference model.
 *
 * Source: Zhao et al., arXiv 2305.10425.
 * Example: log-probabilities -40 over 20 tokens and -36 over 12, delta = 1: calibration 5; lambda = 1 adds 2 (mean) or 40 (sum).
 */
export const slic = defineLoss({
  name: "slic",
  summary: "SLiC-HF (arXiv 2305.10425): calibration hinge plus regulariser, no reference",
  rows: "pairs",
  usesReference: false,
  options: Type.Object(
    {
      delta: Type.Number({ exclusiveMinimum: 0, default: 1, description: "the hinge's margin" }),
      lambda: Type.Number({ minimum: 0, default: 1, description: "weight of the regulariser" }),
      logps: LogpsOption("sum"),
      regulariser: Type.Enum(["tokens", "mean", "sum"], {
        default: "tokens",
        description:
          "likelihood of chosen ones: mean over the step's tokens, or each one's own mean or sum",
      }),
    },
    { additionalProperties: false },
  ),
  row: (math, { delta, lambda, logps, regulariser }, chosen, rejected, step) => {
    const lead = math.sub(policyLogp(math, chosen, logps), policyLogp(math, rejected, logps));
    const calibration = math.relu(math.sub(math.constant(delta), lead));
    if (lambda === 0) return calibration;
    const drift = negativeLikelihood(math, regulariser, chosen, step);
    return math.add(calibration, math.mul(math.constant(lambda), drift));
  },
  reward: ({ logps }, { policy, length }) => (logps === "sum" ? policy : policy / length),
});

function negativeLikelihood<Number>(
  math: Arithmetic<Number>,
  regulariser: "tokens" | "mean" | "sum",
  { policy, length }: Response<Number>,
  { meanLength }: StepFacts<Number>,
): Number {
  const negative = math.sub(math.constant(0), policy);
  if (regulariser === "sum") return negative;
  return math.div(negative, regulariser === "tokens" ? meanLength : length);
}
