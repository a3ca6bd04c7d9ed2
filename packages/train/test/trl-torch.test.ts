import { dirname } from "node:path";

import { execa } from "execa";
import { describe, expect, test } from "vitest";

import { chooseLoss, evaluatePair } from "../src/index.ts";
import { driverFile } from "../src/trl/files.ts";

// PyTorch is not installed by the set-up: where python3 has it, the driver's loss code runs on real tensors.
const hasTorch = !(await execa({ reject: false })`python3 -c ${"import torch"}`).failed;

/** What a Python program prints as JSON; the driver's names, `torch` and `data` are there. */
async function torch(program: string, data: unknown): Promise<unknown> {
  const code = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(dirname(driverFile))})
import torch
from torch.nn import functional
from driver import *
data = json.load(sys.stdin)
${program}`;
  const { stdout } = await execa({ input: JSON.stringify(data) })`python3 -c ${code}`;
  return JSON.parse(stdout);
}

describe.skipIf(!hasTorch)(
  "with PyTorch (skipped where python3 has none)",
  { timeout: 60_000 },
  () => {
    test("log-probabilities are summed over the completion, each token predicted by the one before", async () => {
      // Two tokens, logits (0, ln 3): probabilities 1/4 and 3/4 at every position.
      const found = await torch(
        `logits = torch.log(torch.tensor([1.0, 3.0])).expand(2, 4, 2)
ids = torch.tensor([[0, 1, 1, 0], [1, 0, 1, 1]])
mask = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 0]])
print(json.dumps([part.tolist() for part in sequence_logps(torch, logits, ids, mask)]))`,
        null,
      );
      const [sums, lengths] = found as [number[], number[]];
      expect(sums[0]).toBeCloseTo(Math.log(3 / 4) + Math.log(1 / 4), 5);
      expect(sums[1]).toBeCloseTo(Math.log(1 / 4), 5);
      expect(lengths).toEqual([2, 1]);
    });

    test("losses have the embedded trainer's values and gradients", async () => {
      const losses = [
        ["dpo", { beta: 0.1, labelSmoothing: 0.2 }],
        ["dpo-norm", { beta: 5, labelSmoothing: 0.1 }],
        ["ipo", { beta: 0.1, logps: "sum" }],
        ["slic", { delta: 9, lambda: 0.5, regulariser: "sum" }],
        ["slic", { delta: 1, lambda: 1 }],
      ] as const;
      const chosen = losses.map(([name, given]) => chooseLoss(name, given));
      const found = await torch(
        `found = []
for name, options in data:
    policy = torch.tensor([-40.0, -36.0], dtype=torch.float64, requires_grad=True)
    sides = [(policy[:1], torch.tensor([-42.0]), torch.tensor([20])), (policy[1:], torch.tensor([-35.0]), torch.tensor([12]))]
    loss = pair_loss(name, options, *sides, 16, functional.softplus, functional.relu).mean()
    loss.backward()
    found.append([loss.item(), *policy.grad.tolist()])
print(json.dumps(found))`,
        chosen.map(({ loss, options }) => [loss.name, options]),
      );
      const better = { policy: -40, reference: -42, length: 20 };
      const worse = { policy: -36, reference: -35, length: 12 };
      for (const [i, one] of chosen.entries()) {
        const { loss, byChosen, byRejected } = evaluatePair(one, better, worse, 16);
        for (const [j, value] of [loss, byChosen, byRejected].entries()) {
          expect((found as number[][])[i]![j], JSON.stringify(losses[i])).toBeCloseTo(value, 6);
        }
      }
    });

    test("a batch's loss is the mean over its pairs, chosen ones in the first half", async () => {
      // Every token has probability 1/4 or 3/4: sums ln(3/4) and ln(1/4) for pair 1, 2 ln(3/4) and ln(3/4) for pair 2.
      const losses = [
        ["slic", { delta: 1, lambda: 1 }],
        ["dpo", { beta: 0.5, labelSmoothing: 0.1 }],
      ] as const;
      const chosen = losses.map(([name, given]) => chooseLoss(name, given));
      const found = await torch(
        `logits = torch.log(torch.tensor([1.0, 3.0])).expand(4, 3, 2)
ids = torch.tensor([[0, 1, 0], [0, 1, 1], [0, 0, 0], [0, 1, 0]])
mask = torch.tensor([[0, 1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0]])
inputs = {"input_ids": ids, "completion_mask": mask}
stored = {"ref_chosen_logps": torch.tensor([-1.0, -2.0]), "ref_rejected_logps": torch.tensor([-3.0, -0.5])}
settings = [{"loss": name, "loss_options": options} for name, options in data]
print(json.dumps([batch_loss(torch, one, logits, {**inputs, **more})[0].item() for one, more in zip(settings, ({}, stored))]))`,
        chosen.map(({ loss, options }) => [loss.name, options]),
      );
      const [often, seldom] = [Math.log(3 / 4), Math.log(1 / 4)];
      const pairs = [
        [
          { policy: often, reference: -1, length: 1 },
          { policy: seldom, reference: -3, length: 1 },
        ],
        [
          { policy: 2 * often, reference: -2, length: 2 },
          { policy: often, reference: -0.5, length: 1 },
        ],
      ] as const;
      for (const [i, one] of chosen.entries()) {
        const values = pairs.map(([better, worse]) => evaluatePair(one, better, worse, 1.5).loss);
        expect((found as number[])[i]).toBeCloseTo((values[0]! + values[1]!) / 2, 5);
      }
    });
  },
);
