import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openCheckpoint, type Tokenizer } from "@postgrad/model";
import { expect, test } from "vitest";

import { openRun, preview, renderConversation } from "../src/index.ts";
import { writeSmallModel } from "./small.ts";

const letters = Array.from("abcdefghijklmnopqrstuvwxyz?! \n");
const specials = ["<s>", "<|user|>", "<|assistant|>", "<|end|>"];
const chatml =
  "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|assistant|>{% endif %}";

/** A checkpoint whose tokenizer has a token for each letter and puts `<s>` in front of every text. */
async function writeModel(template = chatml): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postgrad-render-"));
  await writeSmallModel(folder);
  const vocab = Object.fromEntries([...specials, ...letters].map((token, id) => [token, id]));
  const added_tokens = specials.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const begin = { SpecialToken: { id: "<s>", type_id: 0 } };
  const definition = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens,
    normalizer: null,
    pre_tokenizer: { type: "Split", pattern: { Regex: "" }, behavior: "Isolated", invert: false },
    post_processor: {
      type: "TemplateProcessing",
      single: [begin, { Sequence: { id: "A", type_id: 0 } }],
      pair: [begin, { Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } },
    },
    decoder: { type: "Fuse" },
    model: { type: "BPE", dropout: null, unk_token: null, fuse_unk: false, vocab, merges: [] },
  };
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(definition));
  const config = {
    bos_token: "<s>",
    chat_template: template,
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  return folder;
}

async function tokenizerWith(template?: string): Promise<Tokenizer> {
  await using checkpoint = await openCheckpoint(await writeModel(template));
  return (await checkpoint.tokenizer())!;
}

const talk = [
  { role: "user", content: "hi?" },
  { role: "assistant", content: "hi" },
  { role: "user", content: "more" },
  { role: "assistant", content: "no!" },
] as const;

test("the assistant's turns are learnt, with their end, and nothing else", async () => {
  const tokenizer = await tokenizerWith();
  const text = renderConversation(tokenizer, talk);
  expect(preview(text, tokenizer, false)).toBe(
    "<s><|user|>hi?<|end|>\n<|assistant|>[hi<|end|>]\n<|user|>more<|end|>\n<|assistant|>[no!<|end|>]\n",
  );
  expect(text.ids.filter((id) => id === 0)).toHaveLength(1);
  expect(text.promptLength).toBe(text.scored[0]);
});

test("a template without a beginning gets one, and one with it no second", async () => {
  const without = await tokenizerWith(chatml.replace("{{ bos_token }}", ""));
  const ids = [await tokenizerWith(), without].map(
    (tokenizer) => renderConversation(tokenizer, talk).ids,
  );
  expect(ids[0]).toEqual(ids[1]);
});

test("of a pair only the answer is learnt, not the prompt's own assistant turns", async () => {
  const tokenizer = await tokenizerWith();
  const text = renderConversation(tokenizer, talk, { from: 3 });
  expect(preview(text, tokenizer, false)).toContain(
    "<|assistant|>hi<|end|>\n<|user|>more<|end|>\n<|assistant|>[no!<|end|>]",
  );
});

test("colours show what is learnt", async () => {
  const tokenizer = await tokenizerWith();
  const shown = preview(renderConversation(tokenizer, talk), tokenizer);
  expect(shown).toContain("\u001B[32mhi<|end|>\u001B[39m");
});

test("a template that rewrites earlier turns is refused", async () => {
  const forgetful = chatml.replace(
    "{{ m.content }}",
    "{% if loop.last %}{{ m.content }}{% endif %}",
  );
  const tokenizer = await tokenizerWith(forgetful);
  expect(() => renderConversation(tokenizer, talk)).toThrow("renders an earlier turn otherwise");
});

test("conversations are trained on, and a tokenizer of another model is refused", async () => {
  const model = await writeModel();
  const rows = [{ messages: [...talk] }, { messages: [{ role: "user", content: "hm" }] }];
  await using run = await openRun({ model, out: "unused" }, rows);
  expect(run.prepared.rows).toHaveLength(1);
  expect(run.prepared.drops).toEqual({ "empty response": 1 });
  await writeSmallModel(model, "llama", { vocab_size: 20 });
  await expect(openRun({ model, out: "unused" }, rows)).rejects.toThrow(
    "the tokenizer has 34 tokens, the embedding 20 entries",
  );
});
