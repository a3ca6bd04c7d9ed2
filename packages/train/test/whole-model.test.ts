import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import {
  adamW,
  blankMoments,
  chooseLoss,
  GradientSum,
  oneTextARow,
  Stepper,
  type Text,
} from "../src/index.ts";
import { fixtures, hasFixtures, readModel } from "./numbers.ts";

interface Stats {
  readonly l2: number;
  readonly first8: readonly number[];
  readonly max_abs_diff_to_float64: number;
}

interface Objective {
  readonly reference: "self" | "other";
  readonly loss: number;
  readonly grad_l2_total: number;
  readonly logps_chosen: readonly number[];
  readonly logps_rejected?: readonly number[];
  readonly grads: Record<string, Stats>;
  readonly steps: Record<string, Steps>;
}

interface Steps {
  readonly losses_before_each_step_and_after_the_last: readonly number[];
  readonly grad_l2_before_clipping: readonly number[];
  readonly params: Record<string, Stats>;
}

interface Numbers {
  readonly pairs: readonly { prompt: number[]; chosen: number[]; rejected: number[] }[];
  readonly reference_logps: Record<string, { chosen_sum: number[]; rejected_sum: number[] }>;
  readonly objectives: Record<string, Objective>;
}

/** Which loss of ours each objective is. */
const objectives: Record<string, [string, Record<string, unknown>]> = {
  sft_token_mean: ["sft", {}],
  sft_sequence_mean: ["sft", { average: "sequences" }],
  sft_sequence_sum: ["sft", { average: "sum" }],
  "dpo_beta0.1": ["dpo", {}],
  "dpo_beta0.1_reference_is_policy": ["dpo", {}],
  "dpo_beta0.5": ["dpo", { beta: 0.5 }],
  "cdpo_beta0.1_ls0.1": ["dpo", { labelSmoothing: 0.1 }],
  "hinge_ref_beta0.1": ["hinge", {}],
  "hinge_ref_beta0.1_reference_is_policy": ["hinge", {}],
  "hinge_ref_beta0.5": ["hinge", { beta: 0.5 }],
  "ipo_sum_tau0.1": ["ipo", { logps: "sum" }],
  "ipo_mean_tau0.1": ["ipo", {}],
  slic_sum_delta1_lambda1: ["slic", {}],
  slic_sum_delta1_lambda0: ["slic", { lambda: 0 }],
  slic_mean_delta1_lambda1: ["slic", { logps: "mean" }],
};

const text = (prompt: readonly number[], response: readonly number[]): Text => ({
  ids: [...prompt, ...response],
  scored: response.map((_, i) => prompt.length + i),
  promptLength: prompt.length,
});

describe.skipIf(!hasFixtures).each(Object.entries(objectives))(
  "%s is PyTorch's",
  (name, [lossName, options]) => {
    const numbers = (): Numbers =>
      JSON.parse(readFileSync(`${fixtures}/losses/train_llama.json`, "utf8")) as Numbers;

    async function* run(): AsyncGenerator<{
      loss: number;
      logps: Float32Array;
      sum: GradientSum;
      weights: Map<string, Float32Array>;
    }> {
      const { pairs, reference_logps, objectives: all } = numbers();
      const loss = chooseLoss(lossName, options);
      const { decoder, weights } = readModel(`${fixtures}/losses/models/llama-policy`);
      await using stepper = new Stepper(decoder, weights, { threads: 1, loss });
      const chosen = pairs.map((pair) => text(pair.prompt, pair.chosen));
      const rejected = pairs.map((pair) => text(pair.prompt, pair.rejected));
      const reference = reference_logps[all[name]!.reference]!;
      const facts = {
        packed: false,
        rowWeight: 1 / pairs.length,
        meanLength: chosen.reduce((count, { scored }) => count + scored.length, 0) / pairs.length,
        referenceLogps: [...reference.chosen_sum, ...reference.rejected_sum],
      };
      const layout = oneTextARow(loss.loss.rows === "pairs" ? [...chosen, ...rejected] : chosen);
      for (;;) {
        const sum = new GradientSum();
        yield { ...(await stepper.step(layout, facts, sum)), sum, weights };
      }
    }

    test("loss, log-probabilities and every gradient", async () => {
      const expected = numbers().objectives[name]!;
      for await (const { loss, logps, sum } of run()) {
        expect(loss).toSatisfy(near(expected.loss, 1e-5));
        const lengths = numbers().pairs.map((pair) => pair.chosen.length);
        lengths.push(...numbers().pairs.map((pair) => pair.rejected.length));
        const wanted = [...expected.logps_chosen, ...(expected.logps_rejected ?? [])];
        for (const [i, logp] of wanted.entries()) {
          const length = name.includes("_mean_") && lossName !== "sft" ? lengths[i]! : 1;
          expect(logps[i]! / length).toSatisfy(near(logp, 1e-5));
        }
        expect(sum.norm()).toSatisfy(near(expected.grad_l2_total, 1e-5));
        expect([...sum.entries.keys()].toSorted()).toEqual(Object.keys(expected.grads).toSorted());
        for (const [tensor, { l2, first8 }] of Object.entries(expected.grads)) {
          const gradient = sum.entries.get(tensor)!;
          const tolerance = Math.max(1e-5 * l2, 1e-9);
          expect(Math.abs(l2Of(gradient) - l2), tensor).toBeLessThan(tolerance);
          for (const [i, value] of first8.entries())
            expect(Math.abs(gradient[i]! - value), tensor).toBeLessThan(tolerance);
        }
        break;
      }
    });

    const optimizers = hasFixtures ? Object.keys(numbers().objectives[name]!.steps) : [];
    test.each(optimizers)("three steps of %s", async (optimizer) => {
      const expected = numbers().objectives[name]!.steps[optimizer]!;
      const weightDecay = optimizer === "adamw_wd0" ? 0 : 0.01;
      const clip = optimizer.includes("clip") ? 0.5 : Infinity;
      const moments = new Map<string, ReturnType<typeof blankMoments>>();
      const losses: number[] = [];
      let final = new Map<string, Float32Array>();
      for await (const { loss, sum, weights } of run()) {
        losses.push(loss);
        final = weights;
        if (losses.length === 4) break;
        const norm = sum.norm();
        expect(norm).toSatisfy(near(expected.grad_l2_before_clipping[losses.length - 1]!, 1e-3));
        for (const [tensor, gradient] of sum.entries) {
          const own = moments.get(tensor) ?? blankMoments(gradient.length);
          moments.set(tensor, own);
          adamW(weights.get(tensor)!, gradient, own, {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weightDecay,
            learningRate: 1e-3,
            step: losses.length,
            scale: Math.min(1, clip / (norm + 1e-6)),
          });
        }
      }
      for (const [tensor, { first8, max_abs_diff_to_float64 }] of Object.entries(expected.params)) {
        const tolerance = Math.max(2e-5, 3 * max_abs_diff_to_float64);
        for (const [i, value] of first8.entries()) {
          expect(Math.abs(final.get(tensor)![i]! - value), tensor).toBeLessThan(tolerance);
        }
      }
      for (const [i, loss] of expected.losses_before_each_step_and_after_the_last.entries()) {
        expect(losses[i], `loss ${i}`).toSatisfy(near(loss, 2e-5));
      }
    });
  },
);

const l2Of = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Equal within a relative tolerance; what is 0 must be 0. */
const near =
  (expected: number, tolerance: number) =>
  (found: number): boolean =>
    Math.abs(found - expected) <= tolerance * Math.abs(expected);
