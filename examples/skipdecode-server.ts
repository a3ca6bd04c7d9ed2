// An engine behind OpenAI's interface: any client of it works, here the official one.
import { serve } from "@postgrad/skipdecode/server";
import { scriptedEngine } from "@postgrad/skipdecode/testing";
import OpenAI from "openai";

// An engine with a script for a network, so that this runs without a checkpoint; it answers with what it was told.
await using engine = scriptedEngine({
  reply: (prompt) => prompt.split("<|user|>")[1]!.slice(0, 18),
});

await using server = await serve(engine, { port: 0, apiKey: "secret", maxBatch: 8 });
const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "secret" });

const messages = [{ role: "user" as const, content: "Skip what is idle." }];
const stream = await openai.chat.completions.create({
  model: "scripted",
  messages,
  temperature: 0,
  stream: true,
});
let text = "";
for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
console.log(text);

const { choices, usage } = await openai.chat.completions.create({
  model: "scripted",
  messages,
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "answer",
      schema: { type: "array", items: { enum: ["yes", "no"] }, minItems: 2, maxItems: 2 },
    },
  },
  seed: 1,
  temperature: 0,
});
console.log(choices[0]?.message.content, usage?.completion_tokens);
