import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { DuckDBInstance } from "@duckdb/node-api";
import { type PostgradError, records } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { collect, readRows, writeRows } from "../src/index.ts";
import { freshFolder, stream } from "./folder.ts";

const messages = [
  { role: "user", content: "Grüße, 世界 🌍?" },
  { role: "assistant", content: "4" },
];
const call = (n: number) => ({
  agent: "a/b",
  model: "lab:strong",
  prompt: "f00",
  attempts: 1,
  inputTokens: n,
  outputTokens: 2,
  cost: n / 10,
});
const examples = Array.from({ length: 300 }, (_, n) => ({
  schema: "example/1",
  id: `row-${n}`,
  messages: n % 3 === 0 ? messages.slice(0, 1) : messages,
  ...(n % 7 === 0
    ? { tools: [{ type: "function", function: { name: `t${n}`, parameters: {} } }] }
    : {}),
  meta: {
    ...(n % 2 === 0 ? { skill: "arithmetic" } : {}),
    lineage: { seeds: [`s${n % 5}`], calls: n % 4 === 0 ? [] : [call(n), call(n + 0.5)] },
  },
}));

/** Rows as another implementation of Parquet reads them. */
async function inDuckDb(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const roundTrip = async (rows: readonly unknown[]): Promise<unknown[]> => {
  const path = join(freshFolder(), "rows.parquet");
  expect((await writeRows(path, stream(rows))).rows).toBe(rows.length);
  return collect(readRows(path, undefined, { allowEmpty: true }));
};

describe("rows come back from Parquet exactly as they were", () => {
  test("records", async () => {
    expect(await roundTrip(examples)).toEqual(examples);
  });

  test.each<[string, unknown[]]>([
    ["missing and null fields, told apart", [{ a: null, b: 1 }, { b: 2 }, { a: 3, b: 3 }]],
    ["fields that are null in every row without a value", [{ a: null }, { a: "x" }]],
    ["only nulls", [{ a: null }, { a: null }]],
    ["lists with nulls, empty lists and no list", [{ a: [1, null] }, { a: [] }, {}, { a: [2] }]],
    ["lists of lists", [{ a: [[], [[1.5]], [[], [2]]] }, { a: [] }]],
    ["empty structs", [{ a: {} }, { a: { b: 1 } }]],
    ["structs without their fields", [{ a: { b: 1, c: { d: 2 } } }, { a: { b: 1, c: {} } }, {}]],
    ["values of several types in one column", [{ a: 1 }, { a: "1" }, { a: [1] }, { a: null }, {}]],
    ["integers and fractions", [{ a: 1 }, { a: 1.5 }, { a: -7 }]],
    ["integers at the limits", [{ a: 2 ** 53 - 1 }, { a: -(2 ** 53) + 1 }, { a: 0 }]],
    ["numbers beyond them", [{ a: 2 ** 53 }, { a: 1e300 }]],
    ["half surrogate pairs", [{ a: "x\uD800" }, { a: "y" }]],
    [
      "names that no column can have, below the first level",
      [JSON.parse('{"a":{"__proto__":1,"":2}}')],
    ],
    ["names with dots and spaces", [{ "a.b": { "c d": 1 } }, { "a.b": { "c d": 2 } }]],
    ["objects that are maps", [{ a: Object.fromEntries(examples.map(({ id }) => [id, 1])) }]],
    ["a row without fields among others", [{}, { a: 1 }, {}]],
    ["no rows at all", []],
  ])("%s", async (_, rows) => {
    expect(await roundTrip(rows)).toEqual(rows);
  });

  test("anything that JSON can say", { timeout: 30_000 }, async () => {
    const name = fc.constantFrom("a", "b", "c", "list", "element");
    const anyValue = fc.oneof(
      { weight: 3, arbitrary: fc.jsonValue() },
      fc.array(fc.dictionary(name, fc.jsonValue({ maxDepth: 1 }))),
      fc.dictionary(name, fc.oneof(fc.integer(), fc.constant(null), fc.string({ unit: "binary" }))),
    );
    const rowsOf = fc.array(fc.dictionary(name, anyValue, { minKeys: 1 }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(rowsOf, async (rows) => {
        const json = JSON.parse(JSON.stringify(rows)) as unknown[];
        expect(await roundTrip(json)).toEqual(json);
      }),
      { numRuns: 30 },
    );
  });

  test("through JSONL and back, over several row groups", { timeout: 30_000 }, async () => {
    const folder = freshFolder();
    const rows = Array.from({ length: 8 }, (_, n) => ({
      n,
      text: "ab ".repeat(400_000),
      m: messages,
    }));
    await writeRows(`${folder}/a.jsonl.zst`, stream(rows));
    await writeRows(`${folder}/b.parquet`, readRows(`${folder}/a.jsonl.zst`));
    expect(await collect(readRows(`${folder}/b.parquet`))).toEqual(rows);
    const groups = await inDuckDb(
      `select distinct row_group_id from parquet_metadata('${folder}/b.parquet')`,
    );
    expect(groups.length).toBeGreaterThan(1);
  });
});

test("DuckDB reads the same content", async () => {
  const path = join(freshFolder(), "rows.parquet");
  await writeRows(path, stream(examples), records.example);
  const turns = examples.flatMap(({ id, messages: inner }) => inner.map((m) => ({ id, ...m })));
  expect(
    await inDuckDb(
      `select id, m.role, m.content from (select id, unnest(messages) m from '${path}')`,
    ),
  ).toEqual(turns);
  expect(
    await inDuckDb(`select sum(list_sum(list_transform(meta.lineage.calls, x -> x.inputTokens))) s,
      count(meta.skill) k, count(tools) t from '${path}'`),
  ).toEqual([
    {
      s: examples
        .flatMap(({ meta }) => meta.lineage.calls)
        .reduce((sum, c) => sum + c.inputTokens, 0),
      k: "150",
      t: "43",
    },
  ]);
});

test("the physical types are those that Arrow and the hub write", async () => {
  const path = join(freshFolder(), "rows.parquet");
  await writeRows(path, stream(examples));
  const schema = await inDuckDb(
    `select concat_ws(' ', name, type, repetition_type, converted_type, logical_type) c
     from parquet_schema('${path}') limit 10`,
  );
  expect(schema).toMatchInlineSnapshot(`
    [
      {
        "c": "schema",
      },
      {
        "c": "schema BYTE_ARRAY OPTIONAL UTF8 StringType()",
      },
      {
        "c": "id BYTE_ARRAY OPTIONAL UTF8 StringType()",
      },
      {
        "c": "messages OPTIONAL LIST ListType()",
      },
      {
        "c": "list REPEATED",
      },
      {
        "c": "element OPTIONAL",
      },
      {
        "c": "role BYTE_ARRAY OPTIONAL UTF8 StringType()",
      },
      {
        "c": "content BYTE_ARRAY OPTIONAL UTF8 StringType()",
      },
      {
        "c": "tools OPTIONAL LIST ListType()",
      },
      {
        "c": "list REPEATED",
      },
    ]
  `);
});

test("DuckDB's own files are read: nulls as missing fields, wide integers and times as JSON has them", async () => {
  const path = join(freshFolder(), "rows.parquet");
  for (const codec of ["snappy", "zstd", "gzip", "uncompressed", "brotli", "lz4_raw"]) {
    await inDuckDb(
      `copy (select * from (values
        ('a', 9007199254740991, timestamp '2026-01-02 03:04:05', [{'role':'user','content':'x','name':null}], 1.5::decimal(9,2), 'é'::blob),
        (null, null, null, null, null, null)) t(s, i, t, m, d, b))
       to '${path}' (format parquet, codec '${codec}')`.replace("'é'::blob", "'\\xC3\\xA9'::blob"),
    );
    expect(await collect(readRows(path)), codec).toEqual([
      {
        s: "a",
        i: 2 ** 53 - 1,
        t: "2026-01-02T03:04:05.000Z",
        m: [{ role: "user", content: "x" }],
        d: 1.5,
        b: "w6k=",
      },
      {},
    ]);
  }
});

describe("refused with its place:", () => {
  const failure = async (run: Promise<unknown>): Promise<PostgradError> => {
    const error: unknown = await run.then(
      () => new Error("nothing was thrown"),
      (thrown: unknown) => thrown,
    );
    return error as PostgradError;
  };

  test("a file cut short at any byte, and one with a damaged byte in its pages or none at all", async () => {
    const path = join(freshFolder(), "rows.parquet");
    await writeRows(path, stream(examples));
    const whole = readFileSync(path);
    for (const length of [
      1,
      4,
      11,
      12,
      100,
      whole.length >> 1,
      whole.length - 5,
      whole.length - 1,
    ]) {
      writeFileSync(path, whole.subarray(0, length));
      const error = await failure(collect(readRows(path)));
      expect(error.code, `${length}`).toBe("dataset/broken-parquet");
      expect(error.message).toMatch(/rows\.parquet: is (cut short|no Parquet)/);
    }
    writeFileSync(path, Buffer.concat([whole.subarray(0, 40), whole.subarray(60)]));
    expect((await failure(collect(readRows(path)))).message).toMatch(
      /rows\.parquet: .*cannot be read/,
    );
    writeFileSync(path, "");
    expect((await failure(collect(readRows(path)))).code).toBe("dataset/empty");
  });

  test("an integer that no JSON number holds; the other rows can be kept", async () => {
    const path = join(freshFolder(), "rows.parquet");
    await inDuckDb(
      `copy (select unnest([1, 9007199254740993, 3]) i) to '${path}' (format parquet)`,
    );
    const error = await failure(collect(readRows(path)));
    expect(error.code).toBe("dataset/unsafe-integer");
    expect(error.message).toContain("rows.parquet:2: the integer 9007199254740993");
    expect(await collect(readRows(path, undefined, { onBadRow: "skip" }))).toEqual([
      { i: 1 },
      { i: 3 },
    ]);
  });

  test.each<[string, unknown[], string]>([
    ["an empty column name", [{ "": 1 }], "dataset/column-name"],
    ["rows without any field", [{}, {}], "dataset/no-columns"],
    ["a list as a row", [[1]], "dataset/not-an-object"],
  ])("%s", async (_, rows, code) => {
    const path = join(freshFolder(), "rows.parquet");
    expect((await failure(writeRows(path, stream(rows)))).code).toBe(code);
  });
});
