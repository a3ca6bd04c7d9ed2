import type { Arithmetic } from "./arithmetic.ts";
import type { Response } from "./loss.ts";

/** Whether a response counts by the sum of its tokens' log-probabilities or by their mean. */
export type Logps = "sum" | "mean";

/** log pi(y|x) of the policy. */
export const policyLogp = <Number>(
  math: Arithmetic<Number>,
  response: Response<Number>,
  logps: Logps,
): Number => (logps === "sum" ? response.policy : math.div(response.policy, response.length));

/** log pi(y|x) - log pi_ref(y|x). */
export function logRatio<Number>(
  math: Arithmetic<Number>,
  response: Response<Number>,
  logps: Logps,
): Number {
  const ratio = math.sub(response.policy, response.reference);
  return logps === "sum" ? ratio : math.div(ratio, response.length);
}

/** h, the difference of both log-ratios: what all losses with a reference are functions of. */
export const logRatioMargin = <Number>(
  math: Arithmetic<Number>,
  chosen: Response<Number>,
  rejected: Response<Number>,
  logps: Logps,
): Number => math.sub(logRatio(math, chosen, logps), logRatio(math, rejected, logps));

/** beta * (log pi - log pi_ref) on numbers: the implicit reward. */
export function implicitReward(beta: number, response: Response<number>, logps: Logps): number {
  const ratio = response.policy - response.reference;
  return beta * (logps === "sum" ? ratio : ratio / response.length);
}

/** -log sigmoid(x) of beta * h, smoothed: the labels are taken to be wrong with probability `smoothing`. */
export function smoothedLogistic<Number>(
  math: Arithmetic<Number>,
  scaled: Number,
  smoothing: number,
): Number {
  const right = math.softplus(math.sub(math.constant(0), scaled));
  if (smoothing === 0) return right;
  const wrong = math.softplus(scaled);
  return math.add(
    math.mul(math.constant(1 - smoothing), right),
    math.mul(math.constant(smoothing), wrong),
  );
}
