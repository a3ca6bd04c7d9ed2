import {
  generateObject,
  generateText,
  jsonSchema,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { expect, test } from "vitest";

import { type Engine, languageModel, openEngine } from "../src/index.ts";
import { byteTokenizer, scriptedEngine } from "../src/testing/scripted-engine.ts";
import { tinyLlama } from "./checkpoints.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

const says = (reply: string): Engine => scriptedEngine({ reply: () => reply });
const input = jsonSchema<{ city: string }>({
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
});
const weather = tool({
  description: "Tells the weather",
  inputSchema: input,
  execute: ({ city }) => `sunny${city}`,
});

test("generateText: text, usage, finish reason", async () => {
  const model = languageModel(scriptedEngine({ reply: (prompt) => `You said ${prompt.length}.` }));
  const { text, usage, finishReason, warnings } = await generateText({
    model,
    instructions: "Be brief.",
    prompt: "Hi",
  });
  const rendered = "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>";
  expect(text).toBe(`You said ${rendered.length}.`);
  expect(finishReason).toBe("stop");
  // 9 + 2 bytes of text and five special tokens in; the answer's bytes and the end token out
  expect(usage).toMatchObject({ inputTokens: 16, outputTokens: text.length + 1 });
  expect(warnings ?? []).toEqual([]);
});

test("length, stop sequences, and settings that the engine has not", async () => {
  const model = languageModel(says("one two three"));
  const short = await generateText({ model, prompt: "x", maxOutputTokens: 3 });
  expect([short.text, short.finishReason]).toEqual(["one", "length"]);
  const stopped = await generateText({ model, prompt: "x", stopSequences: [" thr"] });
  expect([stopped.text, stopped.finishReason]).toEqual(["one two", "stop"]);
  const { warnings } = await generateText({
    model,
    prompt: "x",
    presencePenalty: 1,
    frequencyPenalty: 0,
  });
  expect(warnings).toEqual([{ type: "unsupported", feature: "presencePenalty" }]);
});

test("a seed gives the same draws again, another seed others", async () => {
  const model = languageModel(says("abcdefgh"));
  const ask = async (seed: number): Promise<string> =>
    (await generateText({ model, prompt: "x", temperature: 8, seed, maxOutputTokens: 8 })).text;
  expect(await ask(1)).toBe(await ask(1));
  expect(await ask(1)).not.toBe(await ask(2));
});

test("streamText: pieces as they come, whole characters only", async () => {
  const result = streamText({ model: languageModel(says("naïve 🙂")), prompt: "x" });
  const pieces = await Array.fromAsync(result.textStream);
  expect(pieces).toEqual(["n", "a", "ï", "v", "e", " ", "🙂"]);
  expect(await result.finishReason).toBe("stop");
  expect((await result.usage).outputTokens).toBe(12); // the bytes and the end token
});

test("an abort ends the generation at once", async () => {
  let steps = 0;
  const engine = scriptedEngine({ reply: () => "a".repeat(1000), onStep: () => steps++ });
  const controller = new AbortController();
  const result = streamText({
    model: languageModel(engine),
    prompt: "x",
    abortSignal: controller.signal,
    onChunk: () => {
      if (steps === 5) controller.abort();
    },
  });
  await result.consumeStream();
  expect(steps).toBeLessThan(20);
  const again = generateText({
    model: languageModel(engine),
    prompt: "x",
    abortSignal: AbortSignal.abort(),
  });
  await expect(again).rejects.toThrow(/abort/i);
  // the engine is free for the next one
  const { text } = await generateText({
    model: languageModel(engine),
    prompt: "x",
    maxOutputTokens: 2,
  });
  expect(text).toBe("aa");
});

test("structured output keeps to the schema though the model would say something else", async () => {
  const schema = jsonSchema<{ colour: string; count: number }>({
    type: "object",
    properties: {
      colour: { enum: ["red", "green"] },
      count: { type: "integer", minimum: 10, maximum: 20 },
    },
    required: ["colour", "count"],
    additionalProperties: false,
  });
  const model = languageModel(says("I would rather not say."));
  const { output } = await generateText({ model, prompt: "x", output: Output.object({ schema }) });
  expect(["red", "green"]).toContain(output.colour);
  expect(output.count).toBeGreaterThanOrEqual(10);
  const { object } = await generateObject({
    model: languageModel(says('{"colour": "green", "count": 12}')),
    prompt: "x",
    schema,
  });
  expect(object).toEqual({ colour: "green", count: 12 });
  const unsupported = generateObject({
    model,
    prompt: "x",
    schema: jsonSchema({ type: "array", uniqueItems: true }),
  });
  await expect(unsupported).rejects.toThrow("the keyword uniqueItems is not supported");
});

test("a tool is offered, called and answered", async () => {
  const engine = scriptedEngine({
    reply: (prompt) =>
      prompt.includes("<|tool|>")
        ? `It is ${/<\|tool\|>(\w+)/.exec(prompt)![1]}.`
        : 'Let me see.<tool_call>\n{"name": "weather", "arguments": {"city": "Ulm"}}\n</tool_call>',
  });
  const { text, steps } = await generateText({
    model: languageModel(engine, { newId: () => "call-1" }),
    prompt: "How is the weather in Ulm?",
    tools: { weather },
    stopWhen: stepCountIs(3),
  });
  expect(text).toBe("It is sunnyUlm.");
  expect(steps[0]!.text).toBe("Let me see.");
  expect(steps[0]!.finishReason).toBe("tool-calls");
  expect(steps[0]!.toolCalls).toMatchObject([
    { toolCallId: "call-1", toolName: "weather", input: { city: "Ulm" } },
  ]);
});

test("a tool that must be called is called, whatever the model would say", async () => {
  const result = streamText({
    model: languageModel(says("No.")),
    prompt: "x",
    tools: { weather: tool({ inputSchema: input }) },
    toolChoice: "required",
    maxOutputTokens: 500,
  });
  const [call] = await result.toolCalls;
  expect(call).toMatchObject({
    toolName: "weather",
    input: { city: expect.any(String) as string },
  });
});

test("a template without tools gives a warning, none at all an error with the remedy", async () => {
  const template = { takesTools: false, render: () => "plain" };
  const model = languageModel(says("ok"), { template });
  const { text, warnings } = await generateText({
    model,
    prompt: "x",
    tools: { weather },
  });
  expect(text).toBe("ok");
  expect(warnings).toMatchObject([{ type: "unsupported", feature: "tools" }]);
  const { chat: _chat, ...plain } = byteTokenizer;
  const bare = languageModel({ ...says("ok"), tokenizer: plain });
  await expect(generateText({ model: bare, prompt: "x" })).rejects.toThrow("has no chat template");
  const { tokenizer: _, ...mute } = says("ok");
  expect(() => languageModel(mute)).toThrow("has no tokenizer");
});

test("what cannot run is refused before it runs", async () => {
  const model = languageModel(scriptedEngine({ reply: () => "x", contextLength: 20 }));
  await expect(generateText({ model, prompt: "x".repeat(50) })).rejects.toThrow(
    "pass the model's context of 20",
  );
  const misspelt = generateText({
    model,
    prompt: "x",
    providerOptions: { skipdecode: { sped: 2 } },
  });
  await expect(misspelt).rejects.toThrow("sped");
  const image = [{ type: "file" as const, data: new Uint8Array(4), mediaType: "image/png" }];
  await expect(
    generateText({ model, messages: [{ role: "user", content: image }] }),
  ).rejects.toThrow("file in a prompt");
});

test("a real network with random weights writes what a schema allows", async () => {
  await using engine = await openEngine({
    ...tinyLlama({ vocab_size: 261, max_position_embeddings: 512 }),
    tokenizer: byteTokenizer,
    endTokens: [256],
    threads: 1,
  });
  const schema = jsonSchema<{ yes: boolean; word: string; digits: number[] }>({
    type: "object",
    properties: {
      yes: { type: "boolean" },
      word: { type: "string", pattern: "^[a-z]{3,5}$" },
      digits: {
        type: "array",
        items: { type: "integer", minimum: 0, maximum: 9 },
        minItems: 2,
        maxItems: 3,
      },
    },
    required: ["yes", "word", "digits"],
    additionalProperties: false,
  });
  const call = {
    model: languageModel(engine, { speedup: 2 }),
    prompt: "Hi",
    output: Output.object({ schema }),
  };
  const { output, usage } = await generateText({ ...call, temperature: 1, seed: 3 });
  expect(output.word).toMatch(/^[a-z]{3,5}$/);
  expect(output.digits.every((digit) => Number.isInteger(digit) && digit >= 0 && digit <= 9)).toBe(
    true,
  );
  expect(usage.inputTokens).toBe(5);
  const again = await generateText({ ...call, temperature: 1, seed: 3 });
  expect(again.output).toEqual(output);
});
