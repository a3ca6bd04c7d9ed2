import { existsSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { chooseLoss, evaluatePair } from "../src/index.ts";

const file = `${import.meta.dirname}/../../../../shared/fixtures/losses/preference_values.json`;

interface Values {
  readonly inputs: Record<string, number[]>;
  readonly chosen_length: number[];
  readonly rejected_length: number[];
  readonly losses: Record<string, Case>;
}

interface Case {
  readonly per_example: number[];
  readonly grad_policy_chosen: number[];
  readonly grad_policy_rejected: number[];
  readonly chosen_rewards: number[];
  readonly rejected_rewards: number[];
}

/** Which loss of ours each case is. */
const cases: Record<string, [string, Record<string, unknown>]> = {
  "dpo_sigmoid_beta0.1": ["dpo", { beta: 0.1 }],
  "dpo_sigmoid_beta0.5": ["dpo", { beta: 0.5 }],
  "cdpo_beta0.1_ls0.1": ["dpo", { beta: 0.1, labelSmoothing: 0.1 }],
  "hinge_ref_beta0.1": ["hinge", { beta: 0.1 }],
  "hinge_ref_beta0.5": ["hinge", { beta: 0.5 }],
  "ipo_sum_tau0.1": ["ipo", { beta: 0.1, logps: "sum" }],
  "ipo_sum_tau0.5": ["ipo", { beta: 0.5, logps: "sum" }],
  "ipo_mean_tau0.1": ["ipo", { beta: 0.1 }],
  "ipo_mean_tau0.5": ["ipo", { beta: 0.5 }],
  slic_calibration_sum_delta1: ["slic", { delta: 1, lambda: 0 }],
  slic_calibration_mean_delta1: ["slic", { delta: 1, lambda: 0, logps: "mean" }],
};

// The reference numbers of the original implementations lie beside the repository, not in it.
describe.skipIf(!existsSync(file))(
  "eight rows of the original implementations, extremes included",
  () => {
    const read = (): Values => JSON.parse(readFileSync(file, "utf8")) as Values;

    test.each(Object.entries(cases))("%s", (name, [loss, options]) => {
      const { inputs, chosen_length, rejected_length, losses } = read();
      const expected = losses[name]!;
      const own = chooseLoss(loss, options);
      for (const [i, value] of expected.per_example.entries()) {
        const side = (which: "chosen" | "rejected", lengths: number[]) => ({
          policy: inputs[`policy_${which}`]![i]!,
          reference: inputs[`reference_${which}`]![i]!,
          length: lengths[i]!,
        });
        const chosen = side("chosen", chosen_length);
        const rejected = side("rejected", rejected_length);
        const found = evaluatePair(own, chosen, rejected);
        const rows = expected.per_example.length;
        expect(found.loss).toSatisfy(near(value));
        expect(found.byChosen / rows).toSatisfy(near(expected.grad_policy_chosen[i]!));
        expect(found.byRejected / rows).toSatisfy(near(expected.grad_policy_rejected[i]!));
        if (own.loss.rows !== "pairs") throw new Error(`${loss} is a loss of pairs`);
        expect(own.loss.reward(own.options, chosen)).toSatisfy(near(expected.chosen_rewards[i]!));
        expect(own.loss.reward(own.options, rejected)).toSatisfy(
          near(expected.rejected_rewards[i]!),
        );
      }
    });
  },
);

/** Equal to 1e-8, relative where the number is large. */
const near =
  (expected: number) =>
  (found: number): boolean =>
    Math.abs(found - expected) <= 1e-8 * Math.max(1, Math.abs(expected));
