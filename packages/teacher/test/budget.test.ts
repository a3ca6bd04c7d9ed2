import fc from "fast-check";
import { Type } from "typebox";
import { expect, test } from "vitest";

import {
  ask,
  askAll,
  Budget,
  defineAgent,
  estimate,
  estimateText,
  openLedger,
  priceOf,
  teacherOf,
} from "../src/index.ts";
import { scripted } from "../src/testing/index.ts";

const agent = defineAgent({
  id: "test/count",
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Object({ n: Type.Integer() }),
  prompt: ({ n }) => `Say ${n}.`,
  parameters: { maxOutputTokens: 10 },
});
const model = scripted({ "test/count": ({ n }) => ({ n }) });
const numbers = Array.from({ length: 20 }, (_, n) => ({ n }));
const price = { input: 1e6, output: 1e6 }; // a dollar a token: cost and tokens are the same number

test("calls in flight never exceed the limit together, whatever they take", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 500 }),
      fc.array(
        fc.record({
          upper: fc.integer({ min: 1, max: 100 }),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        { maxLength: 20 },
      ),
      async (limit, calls) => {
        const budget = new Budget({ tokens: limit });
        let inFlight = 0;
        const results = await Promise.allSettled(
          calls.map(async ({ upper, share }) => {
            const settle = await budget.reserve({ cost: 0, tokens: upper });
            inFlight += upper;
            expect(budget.spent.tokens + inFlight).toBeLessThanOrEqual(limit);
            await Promise.resolve();
            inFlight -= upper;
            settle({ cost: 0, tokens: Math.floor(upper * share) });
          }),
        );
        expect(budget.spent.tokens).toBeLessThanOrEqual(limit);
        const refused = results.filter((result) => result.status === "rejected");
        expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(
          refused.map(() => "teacher/budget"),
        );
      },
    ),
  );
});

test("a call waits for what others leave over before it is refused", async () => {
  const budget = new Budget({ tokens: 10 });
  const settle = await budget.reserve({ cost: 0, tokens: 10 });
  let isThrough = false;
  const second = budget.reserve({ cost: 0, tokens: 8 }).then((done) => {
    isThrough = true;
    return done;
  });
  await Promise.resolve();
  expect(isThrough).toBe(false);
  settle({ cost: 0, tokens: 2 });
  (await second)({ cost: 0, tokens: 8 });
  expect(budget.spent.tokens).toBe(10);
});

test("a run stops at its budget, keeps what it has, and goes on with a larger one", async () => {
  using ledger = openLedger(":memory:");
  const budget = new Budget({ cost: 2000 });
  const two = [1, 2].map((who) => teacherOf(model, { ledger, budget, price, id: `m:${who}` }));
  const answers: unknown[] = [];
  const run = async (): Promise<void> => {
    for (const teacher of two)
      for await (const { value } of askAll(teacher, agent, numbers)) answers.push(value);
  };
  await expect(run()).rejects.toMatchObject({
    code: "teacher/budget",
    fault: "user",
    message: expect.stringMatching(
      /^the budget of \$2000\.00 does not allow the next call: \$[\d.]+ spent, up to \$[\d.]+ needed; raise the budget and run the same command again/,
    ),
  });
  expect(ledger.spent().cost).toBeCloseTo(budget.spent.cost, 6);
  expect(ledger.spent().cost).toBeLessThanOrEqual(2000);
  const kept = ledger.spent().answers;
  expect(kept).toBe(answers.length);
  expect(kept).toBeGreaterThan(10);

  const more = new Budget({ cost: 1e6 }, ledger.spent());
  for (const id of ["m:1", "m:2"])
    await Array.fromAsync(
      askAll(teacherOf(model, { ledger, budget: more, price, id }), agent, numbers),
    );
  expect(ledger.spent().answers).toBe(40);
  expect(more.spent.cost).toBeCloseTo(ledger.spent().cost, 6);
});

test("an answer whose tokens nobody counts is booked at its upper estimate", async () => {
  const budget = new Budget({ tokens: 10_000 });
  const silent = scripted({ "test/count": () => ({ n: 1 }) });
  const none = {
    total: undefined,
    noCache: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
  };
  const doGenerate: typeof silent.doGenerate = async (call) => ({
    ...(await silent.doGenerate(call)),
    usage: {
      inputTokens: none,
      outputTokens: { total: undefined, text: undefined, reasoning: undefined },
    },
  });
  await ask(teacherOf({ ...silent, doGenerate }, { budget }), agent, { n: 1 });
  expect(budget.spent.tokens).toBeGreaterThan(200);
});

test("an estimate counts what the ledger has as free, and its upper bound holds", async () => {
  using ledger = openLedger(":memory:");
  const teacher = teacherOf(model, { ledger, price });
  await Array.fromAsync(askAll(teacher, agent, numbers.slice(0, 5)));
  const before = ledger.spent().cost;
  const plan = await estimate(teacher, agent, numbers);
  expect(plan).toMatchObject({ questions: 20, cached: 5, isPriced: true });
  await Array.fromAsync(askAll(teacher, agent, numbers));
  const paid = ledger.spent().cost - before;
  expect(paid).toBeLessThanOrEqual(plan.upper.cost);
  expect(plan.cost / paid).toBeGreaterThan(0.67);
  expect(plan.cost / paid).toBeLessThan(1.5);
  expect(estimateText(plan)).toMatch(
    /^20 questions, 5 of them in the ledger; for the other 15 about [\d,]+ input/,
  );
  const unpriced = await estimate(teacherOf(model), agent, numbers);
  expect(estimateText(unpriced)).toContain("price not known");
});

test("dated snapshots have the price of their model, and other models none", () => {
  expect(priceOf("openai:gpt-4.1-2025-04-14")).toEqual({ input: 2, output: 8 });
  expect(priceOf("anthropic:claude-sonnet-4-5-20250929")).toEqual({ input: 3, output: 15 });
  expect(priceOf("openai:gpt-4.1-mini")).toEqual({ input: 0.4, output: 1.6 });
  expect(priceOf("openai:gpt-4.1-pro")).toBeUndefined();
});
