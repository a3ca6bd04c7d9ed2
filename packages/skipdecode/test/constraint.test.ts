import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { argmax, jsonConstraints, type JsonSchema, type TokenBytes } from "../src/index.ts";

const ajv = new Ajv({ strict: false, unicodeRegExp: true, formats: { date: true } });
const utf8 = new TextEncoder();

/** Every byte is a token (ids 0 to 255), then pieces as a trained tokenizer has them, then a special end token. */
const pieces = [
  '{"', '":', '": ', '",', '", "', '"}', '"]', "},", "]}", "}}", " {", "[{", ":[", '\\"', "\\u", "00", "12", "-1", "e+",
  "true", "false", "null", "name", "age", " the", "ä", "日本", "🙂", "\n  ", ', "', "0.5", 'a"', '{"a":', "\\\\", "é\"",
]; // prettier-ignore
const splitCharacters = [
  Uint8Array.of(0xc3),
  Uint8Array.of(0xa4, 0x22),
  Uint8Array.of(0xf0, 0x9f),
  Uint8Array.of(0x99, 0x82),
];
const tokenBytes: TokenBytes = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...pieces.map((piece) => utf8.encode(piece)),
  ...splitCharacters,
  undefined,
];
const end = tokenBytes.length - 1;
const constraints = jsonConstraints({ tokenBytes: () => tokenBytes, endTokens: [end] });

/** Writes with the given logits for each step until the row is complete; after `patience` steps it hurries to the end. */
function write(
  schema: JsonSchema,
  logitsAt: (step: number) => Float32Array,
  patience = 60,
): string {
  const bytes: number[] = [];
  let state = constraints(schema);
  for (let step = 0; step < 3000; step++) {
    const logits = logitsAt(step);
    if (step > patience) for (const byte of closing) logits[byte]! += 1000;
    state.mask(logits);
    const token = argmax(logits);
    if (token === end)
      return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
    bytes.push(...tokenBytes[token]!);
    state = state.next(token);
    if (state.complete)
      return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  }
  throw new Error(`not finished: ${String.fromCharCode(...bytes.slice(0, 200))}`);
}
const closing = [...utf8.encode('"}]0ex'), end];

/** Whether the constraint lets `text` be written, byte by byte, and end there. */
function accepts(schema: JsonSchema, text: string): boolean {
  let state = constraints(schema);
  for (const byte of utf8.encode(text)) {
    const logits = new Float32Array(tokenBytes.length);
    state.mask(logits);
    if (logits[byte] === -Infinity) return false;
    state = state.next(byte);
  }
  if (state.complete) return true;
  const logits = new Float32Array(tokenBytes.length);
  state.mask(logits);
  return logits[end] === 0;
}

/** Numbers out of a hash: a model whose opinion at each step has nothing to do with JSON. */
const noise =
  (seed: number) =>
  (step: number): Float32Array =>
    Float32Array.from(tokenBytes, (_, token) => {
      let hash =
        Math.imul(seed ^ Math.imul(step + 1, 0x9e3779b1), 0x85ebca6b) ^
        Math.imul(token + 1, 0xc2b2ae35);
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
      return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 28;
    });

const name = fc.constantFrom("name", "age", "a", "ab", "ä", 'quo"te', "");
const schemas = fc.letrec<{ schema: JsonSchema; leaf: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc
      .record({
        properties: fc.dictionary(name, tie("schema"), { maxKeys: 4 }),
        required: fc.uniqueArray(name, { maxLength: 3 }),
        more: fc.constantFrom(undefined, true, "schema" as const),
        other: tie("leaf"),
      })
      .map(({ properties, required, more, other }) => ({
        type: "object",
        properties,
        required:
          more === undefined ? required.filter((key) => Object.hasOwn(properties, key)) : required,
        additionalProperties: more === "schema" ? other : (more ?? false),
      })),
    fc
      .record({
        items: tie("schema"),
        min: fc.nat(2),
        extra: fc.option(fc.nat(2), { nil: undefined }),
      })
      .map(({ items, min, extra }) => ({
        type: "array",
        items,
        minItems: min,
        ...(extra === undefined ? {} : { maxItems: min + extra }),
      })),
    fc
      .array(tie("schema"), { minLength: 1, maxLength: 2 })
      .map((prefix) => ({ type: "array", items: prefix, minItems: prefix.length })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
  leaf: fc.oneof(
    fc.constantFrom<JsonSchema>(
      true,
      {},
      { type: "boolean" },
      { type: "null" },
      { type: ["string", "null"] },
      { type: "string", pattern: '^[A-Z][a-zé"]{2,4}(-\\d+)?$' },
      { type: "string", pattern: "x[^a]." },
      { const: { deep: ["ä", 1.5, null] } },
      { type: "string", format: "date" },
    ),
    fc
      .uniqueArray(fc.jsonValue({ maxDepth: 1 }), {
        minLength: 1,
        maxLength: 3,
        selector: (one) => JSON.stringify(one),
      })
      .map((values) => ({ enum: values })),
    fc
      .tuple(fc.nat(4), fc.nat(3))
      .map(([min, more]) => ({ type: "string", minLength: min, maxLength: min + more })),
    fc
      .tuple(
        fc.constantFrom("integer", "number"),
        fc.integer({ min: -2000, max: 2000 }),
        fc.integer({ min: 2, max: 3000 }),
      )
      .map(([type, minimum, more]) => ({ type, minimum, exclusiveMaximum: minimum + more })),
    fc
      .tuple(
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
      )
      .map(([low, more]) => ({ type: "number", exclusiveMinimum: low, maximum: low + more })),
    fc.constantFrom("integer", "number").map((type) => ({ type })),
  ),
}));

test("whatever the logits say, what is written validates", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(schemas.schema, fc.integer(), (schema, seed) => {
      const text = write(schema, noise(seed));
      const value: unknown = JSON.parse(text);
      const validate = ajv.compile(schema);
      expect(validate(value), `${text}\n${ajv.errorsText(validate.errors)}`).toBe(true);
    }),
    { numRuns: 250 },
  );
});

test("JSON as programs and models write it is let through", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom(undefined, 2, "\t"),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!/[eE][+-]?\d{3}|\d{16}|\\ud[89a-f]/.test(text)); // sizes that a double may not hold, lone surrogates
        expect(accepts(true, text), text).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

describe("what a schema lets through", () => {
  const person = {
    type: "object",
    properties: {
      name: { type: "string" },
      age: { type: "integer", minimum: 0, maximum: 120 },
      tags: { type: "array", items: { enum: ["a", "b"] }, maxItems: 2 },
    },
    required: ["name"],
    additionalProperties: false,
  };
  test.each<[JsonSchema, string[], string[]]>([
    [
      person,
      [
        '{"name":"Eve"}',
        '{ "name": "E\\"v\\u00e4", "age": 7, "tags": ["a", "b"] }',
        '{"name":"","tags":[]}',
      ],
      [
        '{"age":7}',
        '{"name":"Eve","age":121}',
        '{"name":"Eve","age":-1}',
        '{"name":"Eve","x":1}',
        '{"name":"Eve",}',
        '{"name":"E\nve"}',
        '{"name":"Eve","tags":["a","b","a"]}',
      ],
    ],
    [{ type: "integer" }, ["0", "-7", "120"], ["-0", "01", "1.5", "1e3", "", "-"]],
    [{ type: "number" }, ["0", "-0.5", "1e-7", "2E+10"], [".5", "1.", "1e", "1e999", "00"]],
    [
      { type: "number", minimum: 0, maximum: 1 },
      ["0", "1", "0.00", "0.57", "1.00"],
      ["1.01", "-0.10", "2", "10"],
    ],
    [
      { type: "integer", minimum: 95, maximum: 1203 },
      ["95", "100", "999", "1203"],
      ["94", "1204", "9", "2000"],
    ],
    [{ type: "string", pattern: "^(ab|c)+$" }, ['"ab"', '"cabc"'], ['""', '"a"', '"abx"']],
    [{ type: "string", pattern: "\\d{2}" }, ['"12"', '"x12y"'], ['"1"', '"a1b2"']],
    [{ type: "string", minLength: 2, maxLength: 3 }, ['"ää"', '"a\\n🙂"'], ['"a"', '"abcd"']],
    [{ anyOf: [{ type: "null" }, { const: "x" }] }, ["null", '"x"'], ['"y"', "true"]],
    [
      { type: "array", prefixItems: [{ type: "null" }], items: false },
      ["[null]", "[]"],
      ["[null,null]", "[1]"],
    ],
    [
      { type: "object", additionalProperties: { type: "null" } },
      ["{}", '{"a": null, "b":null}'],
      ['{"a":1}'],
    ],
    [
      {
        $ref: "#/$defs/tree",
        $defs: {
          tree: {
            type: "object",
            properties: { kids: { type: "array", items: { $ref: "#/$defs/tree" } } },
            required: ["kids"],
            additionalProperties: false,
          },
        },
      },
      ['{"kids":[]}', '{"kids":[{"kids":[]},{"kids":[{"kids":[]}]}]}'],
      ["{}", '{"kids":[null]}'],
    ],
  ])("%j", (schema, good, bad) => {
    for (const text of good) expect(accepts(schema, text), text).toBe(true);
    for (const text of bad) expect(accepts(schema, text), text).toBe(false);
  });
});

test.each<[JsonSchema, string]>([
  [
    { type: "object", properties: { a: { type: "array", uniqueItems: true } } },
    "#/properties/a: the keyword uniqueItems",
  ],
  [{ type: "string", pattern: "(?=a)b" }, "#/pattern: (?=a) is not supported"],
  [{ type: "string", pattern: "(" }, "is no regular expression"],
  [{ allOf: [{}, {}] }, "allOf of several schemas"],
  [{ oneOf: [{ type: "integer" }, { type: "number" }] }, "tell its schemas apart"],
  [{ $ref: "#/nowhere" }, "$ref #/nowhere leads to nothing"],
  [{ $ref: "https://example.org/x" }, "leads out of the schema"],
  [{ type: "number", minimum: 2, maximum: 1 }, "no number"],
  [{ type: "string", minLength: 3, maxLength: 2 }, "minimum 3 is above the maximum 2"],
  [{ type: "text" }, 'type "text" is not known'],
  [{ patternProperties: {} }, "the keyword patternProperties"],
  [false, "false allows nothing"],
])("%j is refused: %s", (schema, message) => {
  expect(() => constraints(schema)).toThrow(message);
});

test("oneOf is taken where a constant tells its objects apart", () => {
  const shape = (kind: string) => ({
    type: "object",
    properties: { kind: { const: kind } },
    required: ["kind"],
    additionalProperties: false,
  });
  const schema = { oneOf: [shape("circle"), shape("square"), { type: "null" }] };
  expect(accepts(schema, '{"kind":"square"}')).toBe(true);
  expect(accepts(schema, '{"kind":"line"}')).toBe(false);
});

test("a key that begins like a declared one parts from it between characters, not within one", () => {
  const schema = {
    type: "object",
    properties: { ä: { type: "null" }, 'q"': { type: "null" } },
    additionalProperties: { type: "boolean" },
  };
  for (const text of [
    '{"a":true}',
    '{"":true}',
    '{"q":true}',
    '{"äx":true}',
    '{"ä":null,"qä":false}',
  ]) {
    expect(accepts(schema, text), text).toBe(true);
  }
  for (const text of ['{"ä":true}', '{"q\\"":true}', '{"\\u00e4":true}']) {
    expect(accepts(schema, text), text).toBe(false);
  }
  let state = constraints(schema);
  for (const byte of [0x7b, 0x22, 0xc3]) state = state.next(byte); // {" and the first byte of ä
  const logits = new Float32Array(tokenBytes.length);
  state.mask(logits);
  expect([logits[0x22], logits[0x61], logits[0xa4]]).toEqual([-Infinity, -Infinity, 0]);
});

test("a state is never changed: a draft can be taken back", () => {
  const start = constraints({ type: "boolean" });
  start.next("t".charCodeAt(0)).next("r".charCodeAt(0));
  const logits = new Float32Array(tokenBytes.length);
  start.mask(logits);
  const allowed = Array.from(logits.keys()).filter((token) => logits[token] === 0);
  expect(allowed.map((token) => new TextDecoder().decode(tokenBytes[token])).toSorted()).toEqual([
    "f",
    "false",
    "t",
    "true",
  ]);
});

test("a vocabulary that cannot write the next byte says so", () => {
  const poor = jsonConstraints({ tokenBytes: () => [utf8.encode("a")], endTokens: [] });
  expect(() => poor({ type: "null" }).mask(new Float32Array(1))).toThrow("0x6e");
});
