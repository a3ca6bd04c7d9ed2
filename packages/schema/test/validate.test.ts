import { Type } from "typebox";
import { describe, expect, test } from "vitest";

import {
  Example,
  issueOf,
  parseConfig,
  PipelineConfig,
  PostgradError,
  validate,
} from "../src/index.ts";

const Config = Type.Object(
  {
    temperature: Type.Number({ default: 0.7, minimum: 0 }),
    shape: Type.Optional(Type.Enum(["linear", "cosine"])),
    nested: Type.Object(
      { rows: Type.Integer({ default: 10 }) },
      { default: {}, additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

function failure(run: () => unknown): PostgradError {
  try {
    run();
  } catch (error) {
    if (error instanceof PostgradError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("a valid record comes back as it is, unknown fields included", () => {
  const row = {
    schema: "example/1",
    messages: [{ role: "user", content: "hi", mood: "glad" }],
    meta: { mine: 1 },
    extra: [2],
  };
  expect(validate(Example, row)).toBe(row);
});

describe("an error names", () => {
  const at = { file: "data.jsonl", line: 17 };

  test("file, line, path, the value found and the one that was meant", () => {
    const row = { schema: "example/1", messages: [{ role: "asistant", content: "" }], meta: {} };
    const error = failure(() => validate(Example, row, at));
    expect(error.code).toBe("schema/invalid");
    expect(error.fault).toBe("user");
    expect(error.message).toBe(
      'data.jsonl:17: /messages/0/role: found "asistant", expected one of "system", "user", "assistant", "tool" (did you mean "assistant"?)',
    );
  });

  test("what is missing", () => {
    const error = failure(() => validate(Example, { schema: "example/1", meta: {} }, at));
    expect(error.message).toBe("data.jsonl:17: /messages: is missing");
  });

  test("the type found and the type expected", () => {
    const error = failure(() =>
      validate(Example, { schema: "example/1", messages: "hi", meta: {} }, { file: "a.jsonl" }),
    );
    expect(error.message).toBe('a.jsonl: /messages: found "hi", expected array');
  });

  test("a limit that was passed", () => {
    const error = failure(() => parseConfig(Config, { temperature: -1 }));
    expect(error.message).toBe("/temperature: found -1, must be >= 0");
  });

  test("a long value cut short", () => {
    const found = issueOf(Example, { schema: "example/1", messages: "x".repeat(500), meta: {} });
    expect(found?.message.length).toBeLessThan(130);
  });
});

describe("a configuration", () => {
  test("gets its defaults in a copy", () => {
    const given = { nested: {} };
    expect(parseConfig(Config, given)).toEqual({ temperature: 0.7, nested: { rows: 10 } });
    expect(given).toEqual({ nested: {} });
    expect(parseConfig(Config, undefined)).toEqual({ temperature: 0.7, nested: { rows: 10 } });
  });

  test("with a misspelt key says which one was meant", () => {
    const error = failure(() =>
      parseConfig(Config, { temprature: 1 }, { file: "postgrad.config.ts" }),
    );
    expect(error.message).toBe(
      'postgrad.config.ts: unknown key "temprature"; did you mean "temperature"?',
    );
  });

  test("with a key like none says which there are", () => {
    const error = failure(() => parseConfig(Config, { nested: { zzzz: 1 } }));
    expect(error.message).toBe('/nested: unknown key "zzzz"; known: "rows"');
  });

  test("of the pipeline is refused for a name that would leave the run folder", () => {
    expect(() => parseConfig(PipelineConfig, { name: "../x" })).toThrow("/name");
  });
});
