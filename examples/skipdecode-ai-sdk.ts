// A local model behind the AI SDK: the answer keeps to the schema, whatever the model would rather say.
import { languageModel } from "@postgrad/skipdecode";
import { scriptedEngine } from "@postgrad/skipdecode/testing";
import { generateText, jsonSchema, Output, streamText } from "ai";

// An engine with a script for a network, so that this runs without a checkpoint; openEngine gives a real one.
await using engine = scriptedEngine({ reply: () => '{"city": "Ulm", "inhabitants": 126000}' });
const prompt = "Which city has the highest church?";
const schema = jsonSchema<{ city: string; inhabitants: number }>({
  type: "object",
  properties: { city: { type: "string" }, inhabitants: { type: "integer", maximum: 99_999 } },
  required: ["city", "inhabitants"],
  additionalProperties: false,
});

const model = languageModel(engine);
const { output } = await generateText({ model, prompt, output: Output.object({ schema }) });
console.log("structured:", output);

const { textStream, usage } = streamText({ model, prompt, maxOutputTokens: 14 });
console.log(
  "streamed:",
  (await Array.fromAsync(textStream)).join(""),
  await usage.then((u) => u.outputTokens),
);
