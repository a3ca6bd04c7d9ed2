import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { openInWorker, serve, type ServeOptions, type Serving } from "../src/server/index.ts";
import { byteTokenizer, scriptedEngine } from "../src/testing/scripted-engine.ts";

const apiKey = "secret";
const client = (serving: Serving, key = apiKey): OpenAI =>
  new OpenAI({ baseURL: `${serving.url}/v1`, apiKey: key, maxRetries: 0 });

/** A server over an engine in this thread that answers with its last user turn, and what its steps saw. */
async function serveEcho(options: ServeOptions = {}): Promise<Serving & { batches: number[] }> {
  const batches: number[] = [];
  const engine = scriptedEngine({
    contextLength: 600,
    onStep: (rows) => batches.push(rows),
    reply: (prompt) => /.*<\|user\|>(.*?)<\|end\|>/s.exec(prompt)?.[1] ?? prompt.toUpperCase(),
  });
  return Object.assign(await serve(engine, { port: 0, ...options }), { batches });
}

const says = (content: string) => ({
  model: "scripted",
  messages: [{ role: "user" as const, content }],
  temperature: 0,
});

describe("over an engine in a worker", () => {
  let serving: Serving;
  let openai: OpenAI;
  let dispose: () => Promise<void>;
  beforeAll(async () => {
    const module = new URL("fixtures/scripted-module.ts", import.meta.url).href;
    const engine = await openInWorker({ module, tokenizer: byteTokenizer });
    serving = await serve(engine, { port: 0, apiKey, now: () => 1_000, newId: () => "1" });
    openai = client(serving);
    dispose = () => engine.dispose();
  });
  afterAll(async () => {
    await serving.close(0);
    await dispose();
  });

  test("a chat, as a whole", async () => {
    const answer = await openai.chat.completions.create(says("Grüße 🙂"));
    expect(answer).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1000,
      model: "scripted",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Grüße 🙂", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 15, completion_tokens: 13, total_tokens: 28 },
    });
  });

  test("a chat, streamed, with usage", async () => {
    const stream = await openai.chat.completions.create({
      ...says("ab c"),
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    const text = (index: number): string =>
      chunks
        .flatMap((chunk) => chunk.choices)
        .filter((choice) => choice.index === index)
        .map((choice) => choice.delta.content ?? "")
        .join("");
    expect([text(0), text(1)]).toEqual(["ab c", "ab c"]);
    expect(
      chunks.flatMap(({ choices }) => choices).filter((one) => one.finish_reason === "stop"),
    ).toHaveLength(2);
    expect(chunks.at(-1)?.usage).toEqual({
      prompt_tokens: 7,
      completion_tokens: 10,
      total_tokens: 17,
    });
  });

  test("length, stop, and likelihoods", async () => {
    const short = await openai.chat.completions.create({
      ...says("abcdef"),
      max_completion_tokens: 2,
      logprobs: true,
      top_logprobs: 3,
    });
    const [choice] = short.choices;
    expect([choice!.message.content, choice!.finish_reason]).toEqual(["ab", "length"]);
    const found = choice!.logprobs!.content!;
    expect(found.map(({ token, bytes }) => [token, bytes])).toEqual([
      ["a", [97]],
      ["b", [98]],
    ]);
    expect(found[0]!.top_logprobs[0]!.logprob).toBe(found[0]!.logprob);
    expect(Math.exp(found[0]!.logprob)).toBeGreaterThan(0.9);
    const stopped = await openai.chat.completions.create({ ...says("abcdef"), stop: ["cd"] });
    expect(stopped.choices[0]!.message.content).toBe("ab");
  });

  test("seeds", async () => {
    const ask = async (seed: number): Promise<(string | null)[]> => {
      const { choices } = await openai.chat.completions.create({
        ...says("abcdefgh"),
        temperature: 2,
        top_p: 0.999,
        n: 2,
        seed,
        speedup: 2,
        top_k: 50,
        max_tokens: 40,
      } as never);
      return choices.map((one: { message: { content: string | null } }) => one.message.content);
    };
    const [one, again] = [await ask(5), await ask(5)];
    expect(one).toEqual(again);
  });

  test("JSON: a schema, and any object", async () => {
    const schema = {
      type: "object",
      properties: { a: { type: "integer", minimum: 5, maximum: 6 }, b: { enum: ["x", "y"] } },
      required: ["a", "b"],
      additionalProperties: false,
    };
    const response_format = {
      type: "json_schema" as const,
      json_schema: { name: "answer", schema, strict: true },
    };
    const { choices } = await openai.chat.completions.create({
      ...says("nothing of the kind"),
      response_format,
    });
    expect(JSON.parse(choices[0]!.message.content!)).toEqual({
      a: expect.toBeOneOf([5, 6]) as number,
      b: expect.toBeOneOf(["x", "y"]) as string,
    });
    const any = await openai.chat.completions.create({
      ...says('{"free": [1, null]} and more'),
      response_format: { type: "json_object" },
    });
    expect(any.choices[0]!.message.content).toBe('{"free": [1, null]}');
  });

  test("tools: called by choice and by force", async () => {
    const parameters = {
      type: "object",
      properties: { city: { enum: ["Ulm"] } },
      required: ["city"],
      additionalProperties: false,
    };
    const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];
    const call = '<tool_call>{"name": "weather", "arguments": {"city": "Ulm"}}</tool_call>';
    const free = await openai.chat.completions.create({ ...says(call), tools });
    const forced = await openai.chat.completions.create({
      ...says("no"),
      tools,
      tool_choice: "required",
    });
    for (const { choices } of [free, forced]) {
      expect(choices[0]!.finish_reason).toBe("tool_calls");
      expect(choices[0]!.message.tool_calls).toEqual([
        {
          id: "call_1",
          type: "function",
          function: { name: "weather", arguments: '{"city":"Ulm"}' },
        },
      ]);
    }
    const streamed = await Array.fromAsync(
      await openai.chat.completions.create({ ...says(call), tools, stream: true }),
    );
    expect(streamed.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])).toMatchObject([
      { index: 0, function: { name: "weather" } },
    ]);
  });

  test("plain completions: several prompts, texts and ids", async () => {
    const common = { model: "scripted", temperature: 0 };
    const texts = await openai.completions.create({
      ...common,
      prompt: ["ab", "xyz"],
      n: 2,
      max_tokens: 2,
    });
    expect(texts.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "AB"],
      [1, "AB"],
      [2, "XY"],
      [3, "XY"],
    ]);
    const ids = await openai.completions.create({ ...common, prompt: [[97], [98, 99]] });
    expect(ids.choices.map(({ text }) => text)).toEqual(["A", "BC"]);
    const stream = await openai.completions.create({ ...common, prompt: "ab", stream: true });
    expect((await Array.fromAsync(stream)).map(({ choices }) => choices[0]!.text).join("")).toBe(
      "AB",
    );
  });

  test("echo and likelihoods, the prompt's included", async () => {
    const common = { model: "scripted", prompt: "aé", echo: true, logprobs: 2, temperature: 0 };
    const { choices } = await openai.completions.create({ ...common, max_tokens: 1 });
    const { text, logprobs } = choices[0]!;
    expect(text).toBe("aéA");
    expect(logprobs!.tokens).toEqual(["a", "\uFFFD", "\uFFFD", "A"]);
    expect(logprobs!.text_offset).toEqual([0, 1, 1, 2]);
    expect(logprobs!.token_logprobs![0]).toBeNull();
    expect(logprobs!.token_logprobs!.slice(1).every((one) => one < 0)).toBe(true);
    expect(Object.keys(logprobs!.top_logprobs![3]!)[0]).toBe("A");
    const scored = await openai.completions.create({ ...common, max_tokens: 0 });
    expect(scored.choices[0]!.text).toBe("aé");
    expect(scored.choices[0]!.logprobs!.token_logprobs).toEqual(
      logprobs!.token_logprobs!.slice(0, 3),
    );
    expect(scored.usage!.completion_tokens).toBe(0);
  });

  test("models and health", async () => {
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(["scripted"]);
    expect((await openai.models.retrieve("scripted")).object).toBe("model");
    expect(await (await fetch(`${serving.url}/health`)).json()).toEqual({
      status: "ok",
      waiting: 0,
    });
  });

  test.each<[string, string, unknown, number, string]>([
    [
      "another model",
      "chat/completions",
      { ...says("x"), model: "gpt" },
      404,
      'there is no model "gpt"',
    ],
    [
      "a context overflow",
      "chat/completions",
      says("x".repeat(700)),
      400,
      "model's context of 600",
    ],
    [
      "too many new tokens",
      "chat/completions",
      { ...says("x"), max_tokens: 10_000 },
      400,
      "at most 600",
    ],
    ["no messages", "chat/completions", { ...says("x"), messages: [] }, 400, "messages"],
    [
      "a temperature that is no number",
      "chat/completions",
      { ...says("x"), temperature: "NaN" },
      400,
      "temperature",
    ],
    [
      "a penalty that the engine has not",
      "chat/completions",
      { ...says("x"), presence_penalty: 1 },
      400,
      "presence_penalty",
    ],
    ["an unknown field", "chat/completions", { ...says("x"), temprature: 1 }, 400, "temprature"],
    [
      "an unsupported schema",
      "chat/completions",
      {
        ...says("x"),
        response_format: {
          type: "json_schema",
          json_schema: { name: "a", schema: { type: "array", uniqueItems: true } },
        },
      },
      400,
      "uniqueItems",
    ],
    [
      "a tool that is not on offer",
      "chat/completions",
      {
        ...says("x"),
        tools: [{ type: "function", function: { name: "a" } }],
        tool_choice: { type: "function", function: { name: "b" } },
      },
      400,
      'the tool "b"',
    ],
    [
      "an image",
      "chat/completions",
      {
        model: "scripted",
        messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }],
      },
      400,
      "messages",
    ],
    [
      "an empty prompt",
      "completions",
      { model: "scripted", prompt: "" },
      400,
      "the prompt is empty",
    ],
    [
      "an unknown token",
      "completions",
      { model: "scripted", prompt: [999] },
      400,
      "999 is no token id",
    ],
    [
      "no tokens without echo",
      "completions",
      { model: "scripted", prompt: "a", max_tokens: 0 },
      400,
      "max_tokens is 0",
    ],
    [
      "an empty stop text",
      "completions",
      { model: "scripted", prompt: "a", stop: "" },
      400,
      "stop text is empty",
    ],
    ["no JSON", "completions", "{nope", 400, "no JSON"],
    [
      "NaN",
      "completions",
      '{"model": "scripted", "prompt": "a", "temperature": NaN}',
      400,
      "no JSON",
    ],
    ["another path", "embeddings", {}, 404, "there is nothing at /v1/embeddings"],
  ])("%s is refused, and the server lives on", async (_, path, body, status, message) => {
    const response = await fetch(`${serving.url}/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const { error } = (await response.json()) as { error: { message: string; type: string } };
    expect(error.message).toContain(message);
    expect([response.status, error.type]).toEqual([status, "invalid_request_error"]);
    const { choices } = await openai.chat.completions.create(says("still here"));
    expect(choices[0]!.message.content).toBe("still here");
  });

  test("without the key only health is told", async () => {
    await expect(client(serving, "wrong").models.list()).rejects.toThrow(
      OpenAI.AuthenticationError,
    );
    const text = await fetch(`${serving.url}/v1/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}` },
      body: "{}",
    });
    expect(text.status).toBe(415);
    const get = await fetch(`${serving.url}/v1/completions`, {
      headers: { authorization: `Bearer ${apiKey}` },
    });
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

test("an engine whose thread dies says so, and so does the server", async () => {
  const module = new URL("fixtures/scripted-module.ts", import.meta.url).href;
  await using engine = await openInWorker({
    module,
    options: { contextLength: 100 },
    tokenizer: byteTokenizer,
  });
  expect(engine.contextLength).toBe(100);
  const failures: unknown[] = [];
  await using serving = await serve(engine, { port: 0, onError: (error) => failures.push(error) });
  const openai = client(serving);
  await expect(openai.chat.completions.create(says("die now"))).rejects.toMatchObject({
    status: 500,
  });
  await expect(openai.chat.completions.create(says("hello"))).rejects.toThrow("thread has ended");
  expect(failures).toHaveLength(2);
  const missing = openInWorker({ module: new URL("fixtures/nowhere.ts", import.meta.url).href });
  await expect(missing).rejects.toThrow("nowhere.ts");
});

test("requests that wait share a batch where their depth is the same", async () => {
  await using serving = await serveEcho({ batchDelay: 50 });
  const openai = client(serving);
  const ask = (text: string, more = {}) =>
    openai.chat.completions.create({ ...says(text), ...more });
  const answers = await Promise.all([
    ask("one"),
    ask("two"),
    ask("deep", { speedup: 2 }),
    ask("three"),
  ]);
  expect(answers.map(({ choices }) => choices[0]!.message.content)).toEqual([
    "one",
    "two",
    "deep",
    "three",
  ]);
  expect(Math.max(...serving.batches)).toBe(3);
  expect(serving.batches.filter((rows) => rows === 3)).toHaveLength(4); // "one" and its end token
});

test("a full queue is 429 with a time to come back", async () => {
  await using serving = await serveEcho({ maxBatch: 1, maxWaiting: 1 });
  const openai = client(serving);
  const ask = () => openai.chat.completions.create(says("x".repeat(200)));
  const results = await Promise.allSettled(Array.from({ length: 5 }, ask));
  const refused = results
    .filter((one) => one.status === "rejected")
    .map(({ reason }) => reason as InstanceType<typeof OpenAI.APIError>);
  expect(refused.length).toBeGreaterThanOrEqual(3);
  for (const { status, headers } of refused)
    expect([status, headers!.get("retry-after")]).toEqual([429, "1"]);
  expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
});

test("who goes away frees the engine, running or waiting", async () => {
  await using serving = await serveEcho({ maxBatch: 1 });
  const openai = client(serving);
  const long = await openai.chat.completions.create({ ...says("x".repeat(250)), stream: true });
  const waiting = new AbortController();
  const waits = openai.chat.completions.create(says("never"), { signal: waiting.signal });
  waits.catch(() => {});
  let seen = 0;
  for await (const chunk of long) {
    seen += chunk.choices.length;
    if (seen === 5) waiting.abort();
    if (seen > 10) break; // the client closes the connection
  }
  await expect(waits).rejects.toThrow(OpenAI.APIUserAbortError);
  const { choices } = await openai.chat.completions.create(says("next"));
  expect(choices[0]!.message.content).toBe("next");
  expect(serving.batches.length).toBeLessThan(100); // of the 250 tokens few were made
});

test("a body beyond the limit is 413, whether it says its size or not", async () => {
  await using serving = await serveEcho({ maxBodyBytes: 1000 });
  const post = (body: Uint8Array | ReadableStream) =>
    fetch(`${serving.url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      duplex: "half",
    });
  const piece = new TextEncoder().encode(`"${"x".repeat(2000)}"`);
  const stream = new ReadableStream({
    pull: (controller) => {
      controller.enqueue(piece);
      controller.close();
    },
  });
  expect((await post(piece)).status).toBe(413);
  expect((await post(stream)).status).toBe(413);
});

test("closing answers those who are here, then cuts off those who take too long", async () => {
  const polite = await serveEcho();
  const answer = client(polite).chat.completions.create(says("soon"));
  await expect.poll(() => polite.batches.length).toBeGreaterThan(0);
  await polite.close();
  expect((await answer).choices[0]!.message.content).toBe("soon");
  await expect(client(polite).models.list()).rejects.toThrow(OpenAI.APIConnectionError);

  const hasty = await serveEcho();
  const cut = client(hasty).chat.completions.create(says("x".repeat(250)));
  await expect.poll(() => hasty.batches.length).toBeGreaterThan(0);
  await hasty.close(0);
  expect((await cut).choices[0]!.message.content!.length).toBeLessThan(250);
});

test("a port that is taken is an error with its number", async () => {
  await using serving = await serveEcho();
  const port = Number(new URL(serving.url).port);
  await expect(serveEcho({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
});
