import type { LanguageModelV2, LanguageModelV3 } from "@ai-sdk/provider";
import { Type } from "typebox";
import { expect, test } from "vitest";

import { ask, defineAgent, openLedger, teacherOf } from "../src/index.ts";
import { scripted } from "../src/testing/index.ts";

const capital = defineAgent({
  id: "test/capital",
  input: Type.Object({ country: Type.String() }),
  output: Type.Object({ capital: Type.String() }),
  prompt: ({ country }) => `Name the capital of ${country}.`,
});
const essay = defineAgent({
  id: "test/essay",
  input: Type.Object({ topic: Type.String() }),
  output: Type.String({ minLength: 3 }),
  prompt: ({ topic }) => [
    { role: "system", content: "You write essays." },
    { role: "user", content: topic },
  ],
});

/** A model that says `answers`, one after the other. */
function saying(...answers: string[]) {
  const calls: string[] = [];
  const model = scripted({
    "test/capital": (_, { call }) => {
      calls.push(JSON.stringify(call.prompt));
      return answers[Math.min(calls.length, answers.length) - 1];
    },
    "test/essay": (_, { call }) => {
      calls.push(JSON.stringify(call.prompt));
      return answers[Math.min(calls.length, answers.length) - 1];
    },
  });
  return { model, calls };
}

test("a bare model answers, and the lineage says who, how often and at what price", async () => {
  const model = scripted({ "test/capital": () => ({ capital: "Paris" }) });
  const { value, lineage } = await ask(model, capital, { country: "France" });
  expect(value).toEqual({ capital: "Paris" });
  expect(lineage).toEqual({
    agent: "test/capital",
    model: "scripted:test",
    prompt: expect.stringMatching(/^[0-9a-f]{64}$/),
    attempts: 1,
    inputTokens: expect.any(Number),
    outputTokens: 5, // {"capital":"Paris"} is 19 characters
    cost: 0,
  });
});

test.each([
  ["a code fence", '```json\n{ "capital": "Paris" }\n```'],
  ["prose around it", 'Certainly! {"capital": "Paris"} is the answer, {really}.'],
  ["thoughts before it", '<think>{"capital": "Lyon"}?</think>\n{"capital": "Paris"}'],
  ["a brace in a string", 'Here: {"capital": "Paris", "note": "a \\"}\\" in it"}'],
])("JSON is found in %s", async (_, answer) => {
  const { model, calls } = saying(answer);
  const { value } = await ask(model, capital, { country: "France" });
  expect(value.capital).toBe("Paris");
  expect(calls).toHaveLength(1);
});

test("an invalid answer is sent back with what is wrong with it, and every call is accounted for", async () => {
  const { model, calls } = saying('{"capital": 7}', "no idea", '{"capital": "Paris"}');
  const { value, lineage } = await ask(model, capital, { country: "France" });
  expect(value.capital).toBe("Paris");
  expect(lineage.attempts).toBe(3);
  expect(calls[1]).toContain("/capital: found 7, expected string");
  expect(calls[2]).toContain("it holds no complete JSON object");
  expect(calls[2]).not.toContain("found 7");
});

test("after the repairs that the agent allows the answer is given up", async () => {
  const { model, calls } = saying('{"capital": 7}');
  await expect(ask(model, capital, { country: "France" })).rejects.toMatchObject({
    code: "teacher/invalid-answer",
    message:
      "agent test/capital: scripted:test gave no valid answer in 3 calls; of the last one: /capital: found 7, expected string",
  });
  expect(calls).toHaveLength(3);
});

test("an empty answer is asked for again in the same words", async () => {
  const { model, calls } = saying("", '{"capital": "Paris"}');
  await ask(model, capital, { country: "France" });
  expect(calls[1]).toBe(calls[0]);
});

test("a string schema is answered in free text and checked all the same", async () => {
  const { model, calls } = saying("x", " An essay.\n");
  const { value } = await ask(model, essay, { topic: "rain" });
  expect(value).toBe("An essay.");
  expect(calls[0]).not.toContain("JSON Schema");
});

test("an input that does not fit is the caller's mistake, and nothing is asked", async () => {
  const { model, calls } = saying("{}");
  await expect(ask(model, capital, { country: 5 } as never)).rejects.toMatchObject({
    code: "teacher/invalid-input",
    message: "agent test/capital: input/country: found 5, expected string",
    fault: "user",
  });
  expect(calls).toEqual([]);
});

test("an agent whose output is no object is refused when it is defined", () => {
  const define = () => defineAgent({ ...capital, output: Type.Array(Type.String()) as never });
  expect(define).toThrow('the output schema is of type "array"; make it an object');
});

test("a JSON Schema from a file is an output too; one that cannot be checked is refused before anything is asked", async () => {
  const { model, calls } = saying('{"capital": "Paris"}');
  const schema = (word: object): typeof capital.output =>
    JSON.parse(
      JSON.stringify({ type: "object", properties: { capital: word }, required: ["capital"] }),
    );
  const fromFile = defineAgent({ ...capital, output: schema({ type: "string" }) });
  expect((await ask(model, fromFile, { country: "France" })).value).toEqual({ capital: "Paris" });
  const broken = defineAgent({ ...capital, output: schema({ type: "word" }) });
  await expect(ask(model, broken, { country: "France" })).rejects.toMatchObject({
    code: "teacher/invalid-agent",
    message: expect.stringContaining("agent test/capital: a schema cannot be used"),
  });
  expect(calls).toHaveLength(1);
});

test("models of the two specifications before are asked, and their tokens counted", async () => {
  const content = [{ type: "text" as const, text: '{"capital": "Paris"}' }];
  const older = {
    provider: "old",
    modelId: "m",
    supportedUrls: {},
    doStream: () => Promise.reject(new Error("not asked")),
  };
  const v2: LanguageModelV2 = {
    ...older,
    specificationVersion: "v2",
    doGenerate: async () => ({
      content,
      finishReason: "stop",
      warnings: [],
      usage: { inputTokens: 11, outputTokens: 3, totalTokens: 14 },
    }),
  };
  const v3: LanguageModelV3 = {
    ...older,
    specificationVersion: "v3",
    doGenerate: async () => ({
      content,
      finishReason: { unified: "stop", raw: "stop" },
      warnings: [],
      usage: {
        inputTokens: { total: 11, noCache: 11, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 3, text: 3, reasoning: 0 },
      },
    }),
  };
  for (const model of [v2, v3]) {
    const { value, lineage } = await ask(model, capital, { country: "France" });
    expect(value.capital).toBe("Paris");
    expect(lineage).toMatchObject({ model: "old:m", inputTokens: 11, outputTokens: 3 });
  }
});

test("the same question is asked once, whoever asks again", async () => {
  using ledger = openLedger(":memory:");
  const { model, calls } = saying('{"capital": "Paris"}');
  const teacher = teacherOf(model, { ledger });
  const first = await ask(teacher, capital, { country: "France" });
  const again = await ask(teacher, capital, { country: "France" });
  expect(again).toEqual(first);
  expect(calls).toHaveLength(1);
});

test("asked at the same time, it is asked once too", async () => {
  using ledger = openLedger(":memory:");
  const { model, calls } = saying('{"capital": "Paris"}');
  const teachers = [teacherOf(model, { ledger }), teacherOf(model, { ledger })];
  const answers = await Promise.all(
    [0, 1, 0, 1].map((who) => ask(teachers[who]!, capital, { country: "France" })),
  );
  expect(new Set(answers.map(({ value }) => value.capital))).toEqual(new Set(["Paris"]));
  expect(calls).toHaveLength(1);
});

test("another sample, parameter, model, schema or input is another question", async () => {
  using ledger = openLedger(":memory:");
  const { model, calls } = saying('{"capital": "Paris", "sure": true}');
  const teacher = teacherOf(model, { ledger });
  const warm = defineAgent({ ...capital, parameters: { temperature: 1 } });
  const sure = defineAgent({
    ...capital,
    output: Type.Object({ capital: Type.String(), sure: Type.Boolean() }),
  });
  await ask(teacher, capital, { country: "France" });
  await ask(teacher, capital, { country: "France" }, { sample: 1 });
  await ask(teacher, warm, { country: "France" });
  await ask(teacher, sure, { country: "France" });
  await ask(teacher, capital, { country: "Gaul" });
  await ask(teacherOf(model, { ledger, id: "other:model" }), capital, { country: "France" });
  expect(calls).toHaveLength(6);
});

test("a failure is not stored as an answer, and what it took is booked", async () => {
  using ledger = openLedger(":memory:");
  const { model, calls } = saying("?", "?", "?", '{"capital": "Paris"}');
  const teacher = teacherOf(model, { ledger, price: { input: 1e6, output: 0 } });
  await expect(ask(teacher, capital, { country: "France" })).rejects.toThrow("no valid answer");
  expect(ledger.spent()).toMatchObject({ answers: 0, outputTokens: 3 });
  await ask(teacher, capital, { country: "France" });
  expect(calls).toHaveLength(4);
  expect(ledger.spent().answers).toBe(1);
});

test("one who is cancelled leaves the others their answer", async () => {
  using ledger = openLedger(":memory:");
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const model = scripted({
    "test/capital": async () => {
      calls++;
      called.resolve();
      await gate.promise;
      return { capital: "Paris" };
    },
  });
  const teacher = teacherOf(model, { ledger });
  const leaves = new AbortController();
  const leaving = ask(teacher, capital, { country: "France" }, { signal: leaves.signal });
  const staying = ask(teacher, capital, { country: "France" });
  await called.promise;
  leaves.abort(new Error("left"));
  await expect(leaving).rejects.toThrow("left");
  gate.resolve();
  expect((await staying).value.capital).toBe("Paris");
  expect(calls).toBe(2);
});
