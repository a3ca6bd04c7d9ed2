import { Type } from "typebox";
import { expect, test } from "vitest";

import {
  askAll,
  type Clock,
  createRegistry,
  defineAgent,
  openLedger,
  openTeacher,
  type OpenTeacherOptions,
  systemClock,
} from "../src/index.ts";
import {
  type Fault,
  faultyServer,
  type FaultScript,
  type FaultyServer,
} from "../src/testing/index.ts";

const echo = defineAgent({
  id: "test/echo",
  input: Type.Object({ text: Type.String() }),
  output: Type.Object({ said: Type.String() }),
  prompt: ({ text }) => text,
});
const texts = Array.from({ length: 12 }, (_, i) => `question ${i}`);
const inputs = texts.map((text) => ({ text }));

/** Time that passes at once, and is remembered. */
function quickClock(): Clock & { readonly waits: number[] } {
  let now = systemClock.now();
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waits.push(ms);
      now += ms;
      await Promise.resolve();
    },
  };
}

const serve = (script: FaultScript): Promise<FaultyServer> =>
  faultyServer({ script, answer: (question) => ({ said: question }) });

const open = (server: FaultyServer, options: OpenTeacherOptions = {}) =>
  openTeacher(`compatible:${server.url}#faulty`, {
    registry: createRegistry({}, { env: {} }),
    clock: quickClock(),
    ...options,
  });

const cases: [string, Fault, calls: number][] = [
  ["429 with Retry-After", { status: 429, retryAfter: "2" }, 2],
  ["429 without Retry-After", { status: 429 }, 2],
  ["500", { status: 500 }, 2],
  ["a hang", "hang", 2],
  ["a connection reset", "reset", 2],
  ["a connection cut in the answer", "cut", 2],
  ["a truncated body", "truncated-body", 2],
  ["truncated JSON", "truncated-json", 2],
  ["JSON in a code fence", "fenced", 1],
  ["JSON of another schema", "wrong-schema", 2],
  ["an empty answer", "empty", 2],
  ["the answer delivered twice", "duplicate", 1],
];

test.each(cases)("%s: every question is answered once", async (_, fault, calls) => {
  // Every third question meets the fault at its first call.
  const isHit = (question: string): boolean => texts.indexOf(question) % 3 === 0;
  await using server = await serve(({ question, earlier }) =>
    isHit(question) && earlier === 0 ? fault : undefined,
  );
  using ledger = openLedger(":memory:");
  // Only a hang is waited for; a busy machine must not make a time-out of anything else.
  const timeoutMs = fault === "hang" ? 2_000 : 60_000;
  const teacher = await open(server, { ledger, timeoutMs, concurrency: 4 });

  const results = await Array.fromAsync(askAll(teacher, echo, inputs));
  expect(results.map((result) => (result.drop ? result.drop.code : result.value.said))).toEqual(
    texts,
  );
  expect(ledger.spent().answers).toBe(texts.length);
  const counts = texts.map(
    (text) => server.calls.filter(({ question }) => question === text).length,
  );
  expect(counts).toEqual(texts.map((text) => (isHit(text) ? calls : 1)));

  await Array.fromAsync(askAll(teacher, echo, inputs));
  expect(server.calls.length, "a second run asks nothing").toBe(counts.reduce((a, b) => a + b));
});

test("agent, input and key stay out of what a hosted model is sent, and the key out of everything else", async () => {
  const key = "secret-key-of-nobody";
  await using server = await serve(() => ({ status: 401, message: `Incorrect API key: ${key}` }));
  const events: unknown[] = [];
  const teacher = await open(server, {
    registry: createRegistry({}, { env: { COMPATIBLE_API_KEY: key } }),
    onEvent: (event) => events.push(event),
  });
  const error: unknown = await Array.fromAsync(askAll(teacher, echo, inputs)).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code: "teacher/unauthorized", fault: "user" });
  const { inspect } = await import("node:util");
  expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(events)).not.toContain(
    key,
  );
  const [call] = server.calls;
  expect(call!.headers["authorization"]).toBe(`Bearer ${key}`);
  expect(JSON.stringify(call!.body)).not.toMatch(/postgrad|test\/echo"/);
});

test("Retry-After in seconds or as a date holds back every call, not only the one that was refused", async () => {
  for (const retryAfter of ["30", new Date(systemClock.now() + 30_000).toUTCString()]) {
    await using server = await serve(({ earlier, question }) =>
      earlier === 0 && question === texts[0] ? { status: 429, retryAfter } : undefined,
    );
    const clock = quickClock();
    const teacher = await open(server, { clock, concurrency: 1 });
    await Array.fromAsync(askAll(teacher, echo, inputs));
    const longest = Math.max(...clock.waits);
    expect(longest).toBeGreaterThan(28_000);
    expect(longest).toBeLessThan(31_000);
  }
});

test("a question that is never answered is dropped with the reason; the others are not touched", async () => {
  await using server = await serve(({ question }) =>
    question === texts[5] ? { status: 503, message: "overloaded" } : undefined,
  );
  const results = await Array.fromAsync(askAll(await open(server, { retries: 2 }), echo, inputs));
  expect(results.map(({ drop }) => drop?.code)).toEqual(
    texts.map((_, i) => (i === 5 ? "teacher/unavailable" : undefined)),
  );
  expect(results[5]!.drop!.reason).toContain("overloaded");
  expect(server.calls).toHaveLength(texts.length + 2);
});

test("a request that the provider refuses is dropped without a second call", async () => {
  await using server = await serve(({ question }) =>
    question === texts[1] ? { status: 400, message: "context length exceeded" } : undefined,
  );
  const results = await Array.fromAsync(askAll(await open(server), echo, inputs));
  expect(results[1]!.drop).toMatchObject({ code: "teacher/refused", row: inputs[1] });
  expect(server.calls).toHaveLength(texts.length);
});

test("an account without credit ends the run at once: waiting would not help", async () => {
  await using server = await serve(() => ({ status: 429, message: "insufficient_quota" }));
  const teacher = await open(server, { concurrency: 1 });
  await expect(Array.fromAsync(askAll(teacher, echo, inputs))).rejects.toMatchObject({
    code: "teacher/quota",
    fault: "user",
  });
  expect(server.calls.length).toBeLessThanOrEqual(4); // those that were under way
});

test("a provider that stays down ends the run, after a pause and single tries, and a second run goes on", async () => {
  let isDown = false;
  await using server = await serve(() => (isDown ? { status: 500 } : undefined));
  using ledger = openLedger(":memory:");
  const teacher = await open(server, { ledger, concurrency: 2, retries: 50 });
  await Array.fromAsync(askAll(teacher, echo, inputs.slice(0, 4)));
  isDown = true;
  const before = server.calls.length;
  await expect(Array.fromAsync(askAll(teacher, echo, inputs))).rejects.toMatchObject({
    code: "teacher/provider-down",
    fault: "system",
  });
  // Ten failures open the breaker; then one try each 10 s, for 120 s.
  expect(server.calls.length - before).toBeLessThan(10 + 14);
  isDown = false;
  const seen = server.calls.length;
  await Array.fromAsync(askAll(await open(server, { ledger }), echo, inputs));
  expect(server.calls.length - seen).toBe(texts.length - 4);
});

test("many 429s bring the calls at once down, and successes bring them up again", async () => {
  let isBusy = true;
  await using server = await serve(() => (isBusy ? { status: 429 } : undefined));
  const clock = quickClock();
  const teacher = await open(server, {
    concurrency: 8,
    retries: 50,
    clock: {
      ...clock,
      sleep: async (ms, signal) => {
        if (clock.waits.length === 30) isBusy = false;
        await clock.sleep(ms, signal);
      },
    },
  });
  const answers = askAll(teacher, echo, inputs);
  await answers.next();
  expect(teacher.gate.concurrency).toBeLessThan(4);
  await Array.fromAsync(answers);
  await Array.fromAsync(
    askAll(
      teacher,
      echo,
      texts.flatMap((a) => inputs.map(({ text }) => ({ text: a + text }))),
    ),
  );
  expect(teacher.gate.concurrency).toBe(8);
});
