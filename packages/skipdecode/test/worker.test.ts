import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import {
  collect,
  Conversation,
  type Engine,
  type GenerateRequest,
  jsonConstraints,
  skipSchedule,
} from "../src/index.ts";
import { openInWorker, serve } from "../src/server/index.ts";
import { byteTokenizer } from "../src/testing/scripted-engine.ts";
import { openEngine } from "./fixtures/tiny-module.ts";

let here: Engine;
let there: Engine;
beforeAll(async () => {
  const module = new URL("fixtures/tiny-module.ts", import.meta.url).href;
  [here, there] = await Promise.all([
    openEngine(),
    openInWorker({ module, tokenizer: byteTokenizer }),
  ]);
});
afterAll(async () => {
  await Promise.all([here.dispose(), there.dispose()]);
});

const rows = [
  [72, 105],
  [99, 98, 97, 33, 33],
].map((prompt) => ({ prompt, maxNewTokens: 12, ignoreEos: true, logprobs: 1 }));
const schema = {
  type: "object",
  properties: { word: { type: "string", maxLength: 6 } },
  required: ["word"],
  additionalProperties: false,
};
const constraint = jsonConstraints({
  tokenBytes: () => byteTokenizer.tokenBytes!(),
  endTokens: [256],
})(schema);

test.each<[string, GenerateRequest]>([
  ["at full depth", { rows }],
  [
    "by a schedule",
    { rows, schedule: skipSchedule({ layers: 6, maxExit: 5, minExit: 2, generated: 12 }) },
  ],
  ["with drafts", { rows, speedup: 2, exact: { draft: 2 } }],
  ["sampled, seeded", { rows: rows.map((row) => ({ ...row, temperature: 1, seed: 9 })) }],
  [
    "constrained",
    { rows: rows.map((row) => ({ ...row, maxNewTokens: 60, temperature: 1, constraint })) },
  ],
])("an engine in a thread gives what it gives in this one: %s", async (_, request) => {
  const [expected, found] = [
    await collect(here.generate(request)),
    await collect(there.generate(request)),
  ];
  expect(found.rows).toEqual(expected.rows);
});

test("scores, influence and facts come across", async () => {
  const scored = [{ prompt: [72], continuations: [[105, 33], []] }];
  expect(await there.score(scored, { top: 2 })).toEqual(await here.score(scored, { top: 2 }));
  expect(await there.influence([[72, 105, 33]])).toEqual(await here.influence([[72, 105, 33]]));
  const { name, layers, vocabulary, headCost, contextLength, endTokens } = here;
  expect(there).toMatchObject({ name, layers, vocabulary, headCost, contextLength, endTokens });
});

test("aborts cross: of a row, of all, and by not reading on", async () => {
  const long = { prompt: [72], maxNewTokens: 200, ignoreEos: true };
  const one = new AbortController();
  const tokens = [0, 0];
  const reasons: string[] = [];
  for await (const event of there.generate({
    rows: [
      { ...long, signal: one.signal },
      { ...long, maxNewTokens: 40 },
    ],
  })) {
    if (event.type === "finish") reasons[event.row] = event.reason;
    else if (++tokens[event.row]! === 3 && event.row === 0) one.abort();
  }
  expect(reasons).toEqual(["abort", "length"]);
  expect(tokens[0]).toBeLessThan(200);
  const all = there.generate({ rows: [long, long], signal: AbortSignal.abort() });
  expect((await collect(all)).rows.map(({ finish }) => finish)).toEqual(["abort", "abort"]);
  for await (const event of there.generate({ rows: [long] })) if (event.type === "token") break;
  expect((await collect(there.generate({ rows }))).rows[0]!.tokens).toHaveLength(12);
});

test("what cannot be sent is refused with the remedy", async () => {
  const conversation = new Conversation();
  await expect(collect(there.generate({ rows: rows.slice(0, 1), conversation }))).rejects.toThrow(
    "a conversation cannot be sent",
  );
  const own = { mask: () => {}, complete: false, next: () => own };
  const constrained = rows.map((row) => ({ ...row, constraint: own }));
  await expect(collect(there.generate({ rows: constrained }))).rejects.toThrow(
    "a constraint of your own cannot be sent",
  );
  await expect(collect(there.generate({ rows: [] }))).rejects.toThrow("the request has no rows");
});

test("a real network behind the server gives the tokens that it gives alone", async () => {
  await using serving = await serve(there, { port: 0 });
  const openai = new OpenAI({ baseURL: `${serving.url}/v1`, apiKey: "none", maxRetries: 0 });
  const ask = {
    model: "tiny",
    max_tokens: 12,
    temperature: 0,
    logprobs: 1,
    ignore_eos: true,
  } as const;
  const { choices } = await openai.completions.create({
    ...ask,
    prompt: rows.map(({ prompt }) => prompt),
  });
  const alone = await collect(here.generate({ rows }));
  for (const [i, { logprobs }] of choices.entries()) {
    expect(logprobs!.token_logprobs).toHaveLength(12);
    for (const [at, logprob] of logprobs!.token_logprobs!.entries()) {
      expect(logprob).toBeCloseTo(alone.rows[i]!.logprobs[at]!, 4);
    }
  }
  const chat = await openai.chat.completions.create({
    model: "tiny",
    messages: [{ role: "user", content: "Hi" }],
    response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
    seed: 4,
  });
  const { word } = JSON.parse(chat.choices[0]!.message.content!) as { word: string };
  expect(Array.from(word).length).toBeLessThanOrEqual(6);
});
