import { readFileSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { PostgradError } from "@postgrad/schema";
import fc from "fast-check";
import { expect, test } from "vitest";

import { readTokenizer } from "../src/checkpoint/tokenizer.ts";
import { chatTemplate, openCheckpoint, type Tokenizer } from "../src/index.ts";
import { memoryFiles } from "./memory-files.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { writeCheckpoint } from "./written-checkpoint.ts";

const fixture = `${import.meta.dirname}/fixtures/tokenizer`;

/** What Hugging Face's tokenizers (the Rust implementation) makes of texts under the same tokenizer.json. */
const expected = JSON.parse(readFileSync(`${fixture}/expected.json`, "utf8")) as {
  size: number;
  cases: {
    text: string;
    ids: number[];
    with_special: number[];
    decoded: string;
    decoded_special: string;
  }[];
};

async function tokenizer(extra: Readonly<Record<string, string>> = {}): Promise<Tokenizer> {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  for (const name of ["tokenizer.json", "tokenizer_config.json"])
    await cp(join(fixture, name), join(folder, name));
  for (const [name, content] of Object.entries(extra)) await writeFile(join(folder, name), content);
  await using checkpoint = await openCheckpoint(folder);
  return (await checkpoint.tokenizer())!;
}

test("ids and texts are those of the Rust implementation", async () => {
  const codec = await tokenizer();
  expect(codec.size).toBe(expected.size);
  for (const { text, ids, with_special, decoded, decoded_special } of expected.cases) {
    expect(codec.encode(text)).toEqual(ids);
    expect(codec.encode(text, { special: true })).toEqual(with_special);
    expect(codec.decode(ids)).toBe(decoded);
    expect(codec.decode(with_special, { special: true })).toBe(decoded_special);
  }
});

test("single tokens", async () => {
  const codec = await tokenizer();
  expect(codec.tokenOf(codec.idOf("<|user|>")!)).toBe("<|user|>");
  expect([codec.idOf("not a token at all"), codec.tokenOf(1e6)]).toEqual([undefined, undefined]);
});

const messages = [
  { role: "user", content: "Hi there" },
  { role: "assistant", content: "Hello" },
];

test("the chat template of tokenizer_config.json", async () => {
  const { chat } = await tokenizer();
  expect(chat!.render(messages)).toBe("<s><|user|>Hi there<|assistant|>Hello</s>");
  expect(chat!.render(messages.slice(0, 1), { addGenerationPrompt: true })).toBe(
    "<s><|user|>Hi there<|assistant|>",
  );
});

test("chat_template.jinja comes first; of several named templates the default", async () => {
  const file = await tokenizer({ "chat_template.jinja": "{{ eos_token }}{{ messages | length }}" });
  expect(file.chat!.render(messages)).toBe("</s>2");
  const named = [
    { name: "tool_use", template: "t" },
    { name: "default", template: "d" },
  ];
  const several = await tokenizer({
    "tokenizer_config.json": JSON.stringify({ chat_template: named }),
  });
  expect(several.chat!.render(messages)).toBe("d");
  const none = await tokenizer({ "tokenizer_config.json": "{}" });
  expect(none.chat).toBeUndefined();
});

test("loops, ranges and constants", () => {
  const source =
    "{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(4, 0, -2) %}{{ i }}{% endfor %}{{ True and not none }}";
  expect(chatTemplate(source).render([])).toBe("01242true");
});

test("what templates use: time, tools, variables, refusals", () => {
  const now = new Date("2026-03-05T07:08:09Z");
  expect(
    chatTemplate("{{ strftime_now('%d %b %Y, %B %A %H:%M:%S %y %m %% %q') }}").render([], { now }),
  ).toBe("05 Mar 2026, March Thursday 07:08:09 26 03 % %q");
  const tools = [{ name: "add" }];
  expect(
    chatTemplate("{{ tools[0].name }} {{ think }}").render([], { tools, variables: { think: 1 } }),
  ).toBe("add 1");
  expect(chatTemplate("{% if tools is none %}no tools{% endif %}").render([])).toBe("no tools");
  expect(() => chatTemplate("{{ raise_exception('roles must alternate') }}").render([])).toThrow(
    "the chat template refuses the conversation: roles must alternate",
  );
  expect(() => chatTemplate("{% if %}")).toThrow("the chat template cannot be parsed");
});

test("whatever a tokenizer.json says, reading it ends in a tokenizer or a PostgradError", async () => {
  const whole = JSON.parse(readFileSync(`${fixture}/tokenizer.json`, "utf8")) as Record<
    string,
    unknown
  >;
  const changed = fc.tuple(fc.constantFrom(...Object.keys(whole)), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(
      fc.array(changed, { minLength: 1, maxLength: 3 }),
      fc.jsonValue(),
      async (changes, chat_template) => {
        const files = memoryFiles({
          "tokenizer.json": JSON.stringify({ ...whole, ...Object.fromEntries(changes) }),
          "tokenizer_config.json": JSON.stringify({ chat_template }),
        });
        const read = await readTokenizer(files, "memory").catch((cause: unknown) => cause);
        expect(read instanceof PostgradError || typeof (read as Tokenizer).size === "number").toBe(
          true,
        );
      },
    ),
    { numRuns: 200 },
  );
});
