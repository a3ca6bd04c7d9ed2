import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { chooseLoss, evaluatePair, losses, type Response } from "../src/index.ts";

// The worked example of the method: h = (-40 + 42) - (-36 + 35) = 3.
const chosen = { policy: -40, reference: -42, length: 20 };
const rejected = { policy: -36, reference: -35, length: 12 };

test.each([
  ["dpo", { beta: 0.1 }, 0.5543552445, -0.0425557483, 0.0425557483],
  ["dpo", { beta: 0.5 }, 0.201413278, -0.0912127619, 0.0912127619],
  ["dpo", { beta: 0.1, labelSmoothing: 0.1 }, 0.5843552445, -0.0325557483, 0.0325557483],
  ["slic", { delta: 1, lambda: 0 }, 5, -1, 1],
  ["slic", { delta: 10, lambda: 0 }, 14, -1, 1],
  ["slic", { delta: 1, lambda: 1, regulariser: "sum" }, 45, -2, 1],
  ["slic", { delta: 1, lambda: 1, regulariser: "mean" }, 7, -1.05, 1],
  ["slic", { delta: 2, lambda: 0, logps: "mean" }, 1, -1 / 20, 1 / 12],
  ["hinge", { beta: 0.1 }, 0.7, -0.1, 0.1],
  ["hinge", { beta: 0.5 }, 0, 0, 0],
  ["ipo", { beta: 0.1, logps: "sum" }, 4, -4, 4],
  ["ipo", { beta: 0.5, logps: "sum" }, 4, 4, -4],
  ["ipo", { beta: 0.5 }, 0.6669444444, -0.0816666667, 0.1361111111],
  // h = 2/20 + 1/12 = 11/60; softplus(-5h); its slope -5 * sigmoid(-5h) / length, sigmoid(-55/60) = 0.285637571
  [
    "dpo-norm",
    { beta: 5 },
    Math.log1p(Math.exp(-55 / 60)),
    (-5 * 0.285637571) / 20,
    (5 * 0.285637571) / 12,
  ],
  ["sft", { average: "sequences" }, 2, -0.05, 0],
  ["sft", { average: "sum" }, 40, -1, 0],
])("%s with %j is as worked by hand", (name, options, loss, byChosen, byRejected) => {
  const value = evaluatePair(chooseLoss(name, options), chosen, rejected);
  expect(value.loss).toBeCloseTo(loss, 8);
  expect(value.byChosen).toBeCloseTo(byChosen, 8);
  expect(value.byRejected).toBeCloseTo(byRejected, 8);
});

test("at initialisation DPO is ln 2, with slopes of beta / 2", () => {
  const same = { policy: -40, reference: -40, length: 20 };
  const { loss, byChosen, byRejected } = evaluatePair(chooseLoss("dpo"), same, same);
  expect(loss).toBeCloseTo(Math.LN2, 12);
  expect([byChosen, byRejected]).toEqual([-0.05, 0.05]);
});

test("a mean over pairs, and its accuracy, as worked by hand", () => {
  const second = [
    { policy: -30, reference: -28, length: 9 },
    { policy: -25, reference: -26, length: 9 },
  ] as const;
  const dpo = chooseLoss("dpo");
  const b = evaluatePair(dpo, ...second);
  expect(b.loss).toBeCloseTo(0.8543552445, 8);
  expect(b.byChosen).toBeCloseTo(-0.0574442517, 8);
  expect((evaluatePair(dpo, chosen, rejected).loss + b.loss) / 2).toBeCloseTo(0.7043552445, 8);
  const { loss } = dpo;
  if (loss.rows !== "pairs") throw new Error("dpo is a loss of pairs");
  const rewards = [chosen, rejected].map((side) => loss.reward(dpo.options, side));
  expect(rewards[0]).toBeCloseTo(0.2, 12);
  expect(rewards[1]).toBeCloseTo(-0.1, 12);
});

test("extremes give no NaN, and the kink of the hinge has slope 0", () => {
  const far = (policy: number): Response<number> => ({ policy, reference: 0, length: 1 });
  const steep = chooseLoss("dpo", { beta: 1 });
  expect(evaluatePair(steep, far(-800), far(0)).loss).toBe(800);
  expect(evaluatePair(steep, far(800), far(0)).loss).toBe(0);
  const kink = chooseLoss("slic", { delta: 1, lambda: 0, logps: "mean" });
  expect(evaluatePair(kink, chosen, rejected)).toEqual({ loss: 0, byChosen: -0, byRejected: 0 });
});

const side = fc.record({
  policy: fc.double({ min: -300, max: -1, noNaN: true }),
  reference: fc.double({ min: -300, max: -1, noNaN: true }),
  length: fc.integer({ min: 1, max: 200 }),
});

describe.each(losses.map((loss) => loss.name))("%s", (name) => {
  const own = chooseLoss(name);

  test("has the slopes that central differences show", () => {
    fc.assert(
      fc.property(side, side, (a, b) => {
        const step = 1e-6;
        const { byChosen, byRejected } = evaluatePair(own, a, b, 17);
        const moved = (da: number, db: number): number =>
          evaluatePair(own, { ...a, policy: a.policy + da }, { ...b, policy: b.policy + db }, 17)
            .loss;
        const kinky = name === "slic" || name === "hinge";
        // Within a step of a hinge's kink the difference quotient means nothing.
        fc.pre(!kinky || Math.abs(evaluatePair(own, a, b, 17).loss) > 1e-2);
        const scale = (slope: number): number => 1e-5 * Math.max(1, Math.abs(slope)) + 1e-9 * 1e4;
        expect(Math.abs((moved(step, 0) - moved(-step, 0)) / (2 * step) - byChosen)).toBeLessThan(
          scale(byChosen) + Math.abs(moved(0, 0)) * 1e-9,
        );
        expect(Math.abs((moved(0, step) - moved(0, -step)) / (2 * step) - byRejected)).toBeLessThan(
          scale(byRejected) + Math.abs(moved(0, 0)) * 1e-9,
        );
      }),
    );
  });
});

const referenced = losses.filter((loss) => loss.rows === "pairs" && loss.usesReference);
test.each(referenced.map(({ name }) => name))(
  "%s does not move when policy and reference of one answer rise together",
  (name) => {
    fc.assert(
      fc.property(side, side, fc.double({ min: -9, max: 9, noNaN: true }), (a, b, rise) => {
        const raised = { ...a, policy: a.policy + rise, reference: a.reference + rise };
        const before = evaluatePair(chooseLoss(name), a, b).loss;
        expect(evaluatePair(chooseLoss(name), raised, b).loss).toBeCloseTo(before, 6);
      }),
    );
  },
);

test("an option of another loss is refused by name", () => {
  expect(() => chooseLoss("dpo", { delta: 2 })).toThrow(
    'the loss "dpo" has no delta (found 2): it belongs to slic; "dpo" takes beta, labelSmoothing',
  );
  expect(() => chooseLoss("slic", { beta: 0.1 })).toThrow(
    "it belongs to dpo, ipo, hinge, dpo-norm",
  );
  expect(() => chooseLoss("dpo", { beta: -1 })).toThrow("beta");
  expect(() => chooseLoss("dpo-nrom")).toThrow('did you mean "dpo-norm"?');
  expect(chooseLoss("dpo", { delta: undefined }).options).toEqual({ beta: 0.1, labelSmoothing: 0 });
});
