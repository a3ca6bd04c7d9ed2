import fc from "fast-check";
import { Type } from "typebox";
import { expect, test } from "vitest";

import { askAll, type Clock, defineAgent, mapAhead, teacherOf } from "../src/index.ts";
import { scripted } from "../src/testing/index.ts";

const agent = defineAgent({
  id: "test/count",
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Object({ n: Type.Integer() }),
  prompt: ({ n }) => `Say ${n}.`,
  parameters: { maxOutputTokens: 10 },
});

/** A clock that jumps to the next moment anybody waits for, when nobody has anything else to do. */
function jumpingClock(): Clock {
  let now = 0;
  let waiting: { at: number; wake: () => void }[] = [];
  const jump = (): void => {
    if (waiting.length === 0) return;
    now = Math.min(...waiting.map(({ at }) => at));
    const due = waiting.filter(({ at }) => at <= now);
    waiting = waiting.filter(({ at }) => at > now);
    for (const { wake } of due) wake();
    if (waiting.length > 0) setImmediate(jump);
  };
  return {
    now: () => now,
    random: () => 0,
    sleep: (ms) =>
      new Promise((wake) => {
        if (waiting.length === 0) setImmediate(jump);
        waiting.push({ at: now + ms, wake });
      }),
  };
}

test("no minute sees more requests, or more tokens, than allowed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1000, max: 50_000 }),
      fc.integer({ min: 1, max: 8 }),
      async (requestsPerMinute, tokensPerMinute, concurrency) => {
        const clock = jumpingClock();
        const starts: number[] = [];
        const model = scripted({
          "test/count": async ({ n }) => {
            starts.push(clock.now());
            await clock.sleep(n * 10);
            return { n };
          },
        });
        const teacher = teacherOf(model, {
          clock,
          requestsPerMinute,
          tokensPerMinute,
          concurrency,
        });
        const inputs = Array.from({ length: 60 }, (_, n) => ({ n }));
        const results = await Array.fromAsync(askAll(teacher, agent, inputs));
        expect(results.map(({ value }) => value?.n)).toEqual(inputs.map(({ n }) => n));
        for (const start of starts) {
          const inMinute = starts.filter((at) => at >= start && at < start + 60_000).length;
          expect(inMinute).toBeLessThanOrEqual(requestsPerMinute);
          // Each answer takes at least 50 tokens: prompt, instruction and JSON.
          expect((inMinute - 1) * 50).toBeLessThanOrEqual(tokensPerMinute);
        }
      },
    ),
    { numRuns: 15 },
  );
});

test("no more calls run at once than allowed", async () => {
  let running = 0;
  let most = 0;
  const model = scripted({
    "test/count": async ({ n }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { n };
    },
  });
  const inputs = Array.from({ length: 50 }, (_, n) => ({ n }));
  await Array.fromAsync(askAll(teacherOf(model, { concurrency: 5 }), agent, inputs));
  expect(most).toBe(5);
});

test("results come in the order of the source, pulled no further ahead than allowed, whatever takes how long", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(5)), fc.integer({ min: 1, max: 6 }), async (ticks, ahead) => {
      let pulled = 0;
      let given = 0;
      const source = async function* (): AsyncGenerator<number> {
        for (let i = 0; i < ticks.length; i++) {
          pulled++;
          expect(pulled - given).toBeLessThanOrEqual(ahead + 1);
          if (i % 3 === 0) await Promise.resolve();
          yield i;
        }
      };
      const results: number[] = [];
      for await (const result of mapAhead(source(), ahead, async (i) => {
        for (let tick = 0; tick < ticks[i]!; tick++) await Promise.resolve();
        return i;
      })) {
        results.push(result);
        given++;
      }
      expect(results).toEqual(ticks.map((_, i) => i));
    }),
  );
});

test("a failure comes in its place, after what is under way has ended; the source is closed", async () => {
  let isClosed = false;
  let ended = 0;
  const source = function* (): Generator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      isClosed = true;
    }
  };
  const seen: number[] = [];
  const run = async (): Promise<void> => {
    for await (const i of mapAhead(source(), 4, async (n) => {
      if (n === 3) throw new Error("three");
      await new Promise((resolve) => setImmediate(resolve));
      ended++;
      return n;
    }))
      seen.push(i);
  };
  await expect(run()).rejects.toThrow("three");
  expect(seen).toEqual([0, 1, 2]);
  expect(ended).toBe(6); // 0 to 2, and 4 to 6, which were under way
  expect(isClosed).toBe(true);
});

test("when nobody wants the results any more, the calls are stopped", async () => {
  let stopped = 0;
  const model = scripted({
    "test/count": ({ n }, { call }) =>
      n === 0
        ? { n }
        : new Promise((_, reject) => {
            call.abortSignal!.addEventListener("abort", () => {
              stopped++;
              reject(call.abortSignal!.reason as Error);
            });
          }),
  });
  const inputs = Array.from({ length: 4 }, (_, n) => ({ n }));
  for await (const { value } of askAll(teacherOf(model), agent, inputs)) {
    expect(value).toEqual({ n: 0 });
    break;
  }
  expect(stopped).toBe(3);
});

test("a signal stops the run with its reason", async () => {
  const stop = new AbortController();
  const model = scripted({
    "test/count": ({ n }) => {
      if (n === 2) stop.abort(new Error("enough"));
      return { n };
    },
  });
  const inputs = Array.from({ length: 100 }, (_, n) => ({ n }));
  const run = Array.fromAsync(askAll(teacherOf(model), agent, inputs, { signal: stop.signal }));
  await expect(run).rejects.toThrow("enough");
});
