import { expect, test } from "vitest";

import { languageModelConformance, scripted } from "../src/testing/index.ts";

await languageModelConformance(
  () => scripted({ "test/greet": ({ name }) => ({ greeting: `Hello, ${name}.` }) }),
  {
    prompt: [{ role: "user", content: [{ type: "text", text: "Greet Ada." }] }],
    providerOptions: { postgrad: { agent: "test/greet", input: { name: "Ada" } } },
  },
);

test("an agent without a script is named", async () => {
  const model = scripted({ "a/b": () => "" });
  const prompt = [] as const;
  await expect(
    model.doGenerate({
      prompt: [...prompt],
      providerOptions: { postgrad: { agent: "a/c", input: null } },
    }),
  ).rejects.toThrow("agent a/c has no script; there are: a/b");
  await expect(model.doGenerate({ prompt: [...prompt] })).rejects.toThrow("call it through ask()");
});
