import { type RawRow, records } from "@postgrad/schema";
import fc from "fast-check";
import { expect, test } from "vitest";

import { contentId, idOf } from "../src/index.ts";

const example = {
  schema: "example/1",
  messages: [
    { role: "user", content: "2 + 2?" },
    { role: "assistant", content: "4" },
  ],
  meta: { skill: "arithmetic" },
} as const;

// Ids stand in every data set that was ever written: what changes them here breaks lineage and caches.
test("ids are pinned", () => {
  expect(contentId(example)).toMatchInlineSnapshot(`"e675be9a0ccec55272ecac0d149d16b8"`);
  expect(
    contentId({ schema: "seed/1", id: "x", kind: "text", source: "a", text: "Oil floats." }),
  ).toMatchInlineSnapshot(`"964ee5ca0c43fa36eae786d99faa7b4b"`);
});

test("an id is made of what a record says, not of its keys' order, its meta or its version", () => {
  const { messages } = example;
  const turned = messages.map(({ role, content }) => ({ content, role }));
  expect(contentId({ meta: {}, extra: 1, messages: turned, schema: "example/1" })).toBe(
    contentId(example),
  );
  expect(contentId({ instruction: "2 + 2?", output: "4" })).toBe(contentId(example));
  expect(contentId({ ...example, messages: [...messages].toReversed() })).not.toBe(
    contentId(example),
  );
});

test("kinds with the same fields have ids of their own", () => {
  const text = { kind: "text", text: "Oil floats.", id: "x" };
  const seed = { schema: "seed/1", source: "a", ...text };
  const passage = { schema: "passage/1", seed: "x", start: 0, end: 11, ...text };
  expect(contentId(seed)).not.toBe(contentId(passage));
});

test("different content has different ids, whatever is in it", { timeout: 30_000 }, () => {
  const contents = fc.uniqueArray(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(contents, (texts) => {
      const ids = texts.map((content) =>
        contentId({ schema: "example/1", messages: [{ role: "user", content }], meta: {} }),
      );
      expect(new Set(ids).size).toBe(texts.length);
    }),
  );
});

test("a row's own id comes first; a row that is no record goes by all but id and meta", () => {
  expect(idOf({ ...example, id: "mine" })).toBe("mine");
  expect(idOf(example)).toBe(contentId(example, records.example));
  const row: RawRow = { a: 1, b: 2 };
  expect(contentId({ b: 2, a: 1, id: "x", meta: {} })).toBe(contentId(row));
  expect(contentId({ a: 1, b: 3 })).not.toBe(contentId(row));
});

test.each([
  [{ text: "a column of other tools" }],
  [{ id: 7, text: "with a number for an id" }],
  [{ messages: "a column of this name" }],
  [{ prompt: 5, completion: 6 }],
  [{ chosen: 1, rejected: 2 }],
])("%j is no record, and has an id all the same", (row) => {
  expect(contentId({ meta: {}, ...row })).toBe(contentId(row));
  expect(contentId({ ...row, more: 1 })).not.toBe(contentId(row));
});

test("a row that is not what its tag says, or not of the kind that is asked for, is refused", () => {
  expect(() => contentId({ schema: "example/9", messages: [] })).toThrow("install a newer");
  expect(() => contentId({ messages: "x" }, records.example)).toThrow("/messages");
});
