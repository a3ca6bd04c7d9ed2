import { inspect } from "node:util";

import { execa } from "execa";
import { Type } from "typebox";
import { expect, test } from "vitest";

import { ask, createRegistry, defineAgent, openTeacher } from "../src/index.ts";
import { scripted } from "../src/testing/index.ts";

const agent = defineAgent({
  id: "secret-agent/id",
  input: Type.Object({ hidden: Type.String() }),
  output: Type.Object({ a: Type.Optional(Type.String()) }),
  prompt: () => "What?",
});

/** Every provider, how it is named, and a reply as it sends one. */
const chat = {
  choices: [{ message: { role: "assistant", content: '{"a":"yes"}' }, finish_reason: "stop" }],
  usage: { prompt_tokens: 7, completion_tokens: 3 },
};
const responses = {
  id: "r",
  created_at: 0,
  model: "m",
  status: "completed",
  output: [
    {
      type: "message",
      role: "assistant",
      id: "1",
      content: [{ type: "output_text", text: '{"a":"yes"}', annotations: [] }],
    },
  ],
  usage: { input_tokens: 7, output_tokens: 3 },
};
const claude = {
  type: "message",
  id: "m",
  model: "m",
  role: "assistant",
  content: [{ type: "text", text: '{"a":"yes"}' }],
  stop_reason: "end_turn",
  usage: { input_tokens: 7, output_tokens: 3 },
};
const gemini = {
  candidates: [
    { content: { role: "model", parts: [{ text: '{"a":"yes"}' }] }, finishReason: "STOP" },
  ],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10 },
};

test.each([
  ["openai:gpt-4.1", { OPENAI_API_KEY: "the-key" }, responses, "api.openai.com"],
  ["anthropic:claude-sonnet-4-5", { ANTHROPIC_API_KEY: "the-key" }, claude, "api.anthropic.com"],
  [
    "azure:mine",
    { AZURE_API_KEY: "the-key", AZURE_RESOURCE_NAME: "res" },
    responses,
    "res.openai.azure.com",
  ],
  [
    "google:gemini-2.5-flash",
    { GOOGLE_GENERATIVE_AI_API_KEY: "the-key" },
    gemini,
    "generativelanguage.googleapis.com",
  ],
  [
    "compatible:http://localhost:8000/v1#qwen",
    { COMPATIBLE_API_KEY: "the-key" },
    chat,
    "localhost:8000",
  ],
])(
  "%s is loaded when named, and is told neither agent nor input",
  async (name, env, reply, host) => {
    const requests: { url: URL; text: string; headers: string }[] = [];
    const fetch = (async (url: string, init: RequestInit) => {
      requests.push({
        url: new URL(url),
        text: init.body as string,
        headers: JSON.stringify([...new Headers(init.headers)]),
      });
      return Response.json(reply);
    }) as typeof globalThis.fetch;
    const teacher = await openTeacher(name, { registry: createRegistry({}, { env, fetch }) });
    const { value, lineage } = await ask(teacher, agent, { hidden: "input of the agent" });
    expect(value).toEqual({ a: "yes" });
    expect(lineage).toMatchObject({ model: name, attempts: 1, inputTokens: 7, outputTokens: 3 });
    const [request] = requests;
    expect(request!.url.host).toBe(host);
    expect(request!.text).toContain("What?");
    expect(request!.text).not.toMatch(/secret-agent\/id|input of the agent|postgrad/);
    expect(request!.headers).toContain("the-key");
    expect(inspect(teacher, { depth: 9, showHidden: true })).not.toContain("the-key");
  },
);

test.each([
  ["opnai:gpt-4.1", "teacher/unknown-provider", 'did you mean "openai:gpt-4.1"?'],
  ["nothing:x", "teacher/unknown-provider", "there are lab:, openai:, anthropic:"],
  ["gpt-4.1", "teacher/unknown-provider", 'no provider is called "gpt-4.1"'],
  ["openai:", "teacher/unknown-provider", "names no model; write openai:MODEL"],
  ["openai:gpt-4.1", "teacher/no-key", "openai:gpt-4.1 needs OPENAI_API_KEY in the environment"],
  ["azure:mine", "teacher/no-key", "AZURE_API_KEY and AZURE_RESOURCE_NAME"],
  [
    "compatible:localhost#m",
    "teacher/invalid-address",
    "write e.g. compatible:http://localhost:8000/v1#model",
  ],
  ["compatible:http://h/v1", "teacher/invalid-address", "is no address and model"],
])("%s: %s", async (name, code, message) => {
  const registry = createRegistry({ lab: () => scripted({}) }, { env: {} });
  const opening = openTeacher(name, { registry });
  await expect(opening).rejects.toMatchObject({ code, fault: "user" });
  await expect(opening).rejects.toThrow(message);
});

test("a key in an address is refused, and not repeated", async () => {
  const registry = createRegistry({}, { env: {} });
  for (const address of ["http://me:hunter2@host/v1#m", "http://host/v1?key=hunter2#m"]) {
    const error = (await openTeacher(`compatible:${address}`, { registry }).catch(
      (e: unknown) => e,
    )) as Error;
    expect(error.message).toContain("COMPATIBLE_API_KEY");
    expect(error.message).not.toContain("hunter2");
  }
});

test("a model of the application's own is asked by agent and input", async () => {
  const registry = createRegistry({
    lab: (strength) =>
      scripted({ "secret-agent/id": ({ hidden }) => ({ a: `${strength}: ${hidden}` }) }),
  });
  const teacher = await openTeacher("lab:strong", { registry });
  const { value, lineage } = await ask(teacher, agent, { hidden: "x" });
  expect(value.a).toBe("strong: x");
  expect(lineage.model).toBe("lab:strong");
});

test("a provider whose package is not installed says what to install", async () => {
  const code = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve: (name, context, next) => next(name === "@ai-sdk/openai" ? "not-installed" : name, context) });
    const { openTeacher } = await import("${import.meta.dirname}/../src/index.ts");
    await openTeacher("openai:gpt-4.1").catch(({ code, message }) => console.log(code, message));`;
  const env = { OPENAI_API_KEY: "k" };
  const { stdout } = await execa({ env })`node --input-type=module --eval ${code}`;
  expect(stdout).toBe(
    "teacher/provider-missing openai:gpt-4.1 needs a package that is not installed: npm install @ai-sdk/openai",
  );
});

test("a setting that is misspelt says which one was meant", async () => {
  await expect(openTeacher(scripted({}), { concurency: 3 } as never)).rejects.toThrow(
    'unknown key "concurency"; did you mean "concurrency"?',
  );
});
