import fc from "fast-check";
import { Type } from "typebox";
import { describe, expect, test } from "vitest";

import {
  canonicalJson,
  defineRecord,
  kindOf,
  Lineage,
  Message,
  parseRecord,
  PipelineConfig,
  records,
  SkipScheduleConfig,
} from "../src/index.ts";

describe.each(Object.entries(records))("%s", (name, kind) => {
  test("has a tag, a title and one upgrade for each older version", () => {
    expect(kind.name).toBe(name);
    expect(kind.upgrades.length).toBe(kind.version);
    expect(kind.title).toBeTruthy();
  });

  test("is exported as a JSON Schema file", async () => {
    const text = `${JSON.stringify(kind.schema, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`../json/${name}.schema.json`);
  });
});

test.each([
  ["lineage", Lineage],
  ["message", Message],
  ["pipeline-config", PipelineConfig],
  ["skip-schedule", SkipScheduleConfig],
])("%s, which is no row, is exported as a JSON Schema file", async (name, schema) => {
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
    `../json/${name}.schema.json`,
  );
});

describe("rows of other tools become records of the current version", () => {
  const messages = [
    { role: "user", content: "2 + 2?" },
    { role: "assistant", content: "4" },
  ];
  const example = { schema: "example/1", messages, meta: {} };

  test.each([
    ["messages", { messages }],
    ["messages as JSON text (orca-agentinstruct)", { messages: JSON.stringify(messages) }],
    ["prompt and completion (TRL)", { prompt: "2 + 2?", completion: "4" }],
    ["prompt and completion as turns", { prompt: [messages[0]], completion: [messages[1]] }],
    [
      "conversations (ShareGPT)",
      {
        conversations: [
          { from: "human", value: "2 + 2?" },
          { from: "gpt", value: "4" },
        ],
      },
    ],
    ["instruction and output (Alpaca)", { instruction: "2 + 2?", input: "", output: "4" }],
  ])("%s", (_, row) => {
    expect(kindOf(row)?.name).toBe("example");
    expect(parseRecord(records.example, row)).toEqual(example);
  });

  test("Alpaca's input follows the instruction", () => {
    const row = parseRecord(records.example, { instruction: "Add.", input: "2, 2", output: "4" });
    expect(row.messages[0]?.content).toBe("Add.\n\n2, 2");
  });

  test("preferences whose sides share their first turns", () => {
    const other = [messages[0], { role: "assistant", content: "5" }];
    expect(
      parseRecord(records.preference, { chosen: messages, rejected: other, score: 3 }),
    ).toEqual({
      schema: "preference/1",
      prompt: [messages[0]],
      chosen: [messages[1]],
      rejected: [other[1]],
      score: 3,
      meta: {},
    });
  });

  test("preferences as text", () => {
    const row = parseRecord(records.preference, { prompt: "2 + 2?", chosen: "4", rejected: "5" });
    expect(row.chosen).toEqual([{ role: "assistant", content: "4" }]);
  });
});

describe("the version of a record", () => {
  const dish = defineRecord({
    tag: "dish/2",
    title: "A dish",
    fields: { name: Type.String(), minutes: Type.Number() },
    identity: ["name"],
    upgrades: [
      ({ title, ...row }) => ({ name: title, ...row }),
      ({ hours, ...row }) => ({ minutes: Number(hours) * 60, ...row }),
    ],
  });
  const current = { schema: "dish/2", name: "soup", minutes: 30, mine: { kept: [1, null] } };

  test.each([
    ["without a tag", { title: "soup", hours: 0.5, mine: current.mine }],
    ["one version older", { schema: "dish/1", name: "soup", hours: 0.5, mine: current.mine }],
    ["the current one", current],
  ])("%s comes out as the current one, unknown fields included", (_, row) => {
    expect(parseRecord(dish, row)).toEqual(current);
    expect(parseRecord(dish, JSON.parse(JSON.stringify(parseRecord(dish, row))))).toEqual(current);
  });

  test("older, and wrong by what it becomes, is refused with the place", () => {
    const row = { schema: "dish/1", name: 7, hours: 1 };
    expect(() => parseRecord(dish, row, { file: "a.jsonl", line: 3 })).toThrow(
      "a.jsonl:3: /name: found 7, expected string",
    );
  });

  test("is refused when it is newer, with the place", () => {
    const row = { schema: "example/7", messages: [], meta: {} };
    expect(() => parseRecord(records.example, row, { file: "a.jsonl", line: 3 })).toThrow(
      'a.jsonl:3: /schema: found "example/7", but this version of Postgrad reads up to "example/1"; install a newer one',
    );
  });

  test.each(["example", "example/0", "example/x", 7, null])(
    "is refused when it is %j",
    (schema) => {
      expect(() => parseRecord(records.example, { schema, messages: [], meta: {} })).toThrow(
        "/schema: found",
      );
    },
  );

  test("of another kind is refused", () => {
    expect(() => parseRecord(records.example, { schema: "seed/1" })).toThrow(
      'of kind "seed", expected "example"',
    );
  });
});

test("a name that every object has is no kind of record", () => {
  expect(kindOf({ schema: "constructor/1" })).toBeUndefined();
});

describe("canonical JSON", () => {
  test("is worked by hand", () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: "ü" })).toBe('{"a":"ü","b":[{"d":1}]}');
  });

  test("does not depend on the order of keys, and means the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const shuffled = reversed(value);
        expect(canonicalJson(shuffled)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

/** The same value with the keys of every object written in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
