import type { ChosenLoss } from "./choose.ts";
import { dualArithmetic, variable } from "./dual.ts";
import type { Response } from "./loss.ts";

/** A loss and its derivatives by the policy's log-probabilities (sums over tokens). */
export interface PairValue {
  readonly loss: number;
  readonly byChosen: number;
  readonly byRejected: number;
}

/**
 * One pair's loss in float64. `meanLength` defaults to the chosen response's own length.
 *
 * @example evaluatePair(chooseLoss("dpo", { beta: 0.1 }), { policy: -40, reference: -42, length: 20 },
 *   { policy: -36, reference: -35, length: 12 }).loss // 0.5543552445
 */
export function evaluatePair(
  { loss, options }: ChosenLoss,
  chosen: Response<number>,
  rejected: Response<number>,
  meanLength = chosen.length,
): PairValue {
  const math = dualArithmetic(2);
  const response = ({ policy, reference, length }: Response<number>, index: number) => ({
    policy: variable(policy, index, 2),
    reference: math.constant(reference),
    length: math.constant(length),
  });
  const step = { meanLength: math.constant(meanLength) };
  const { value, derivatives } =
    loss.rows === "pairs"
      ? loss.row(math, options, response(chosen, 0), response(rejected, 1), step)
      : loss.row(math, options, response(chosen, 0), step);
  return { loss: value, byChosen: derivatives[0]!, byRejected: derivatives[1]! };
}
