import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { type Drop, type PostgradError, records } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  collect,
  dropLog,
  openWriter,
  type ReadOptions,
  readRows,
  take,
  writeRows,
} from "../src/index.ts";
import { freshFolder, stream } from "./folder.ts";

const example = (n: number) => ({
  schema: "example/1",
  messages: [{ role: "user", content: `question ${n}` }],
  meta: {},
});

const failure = async (run: Promise<unknown>): Promise<PostgradError> => {
  const error: unknown = await run.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  return error as PostgradError;
};

describe.each(["jsonl", "jsonl.gz", "jsonl.zst", "json", "json.gz", "ndjson"])("%s", (ending) => {
  test("gives back any JSON objects as they were", { timeout: 30_000 }, async () => {
    const path = join(freshFolder(), `rows.${ending}`);
    const rowsOf = fc.array(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(rowsOf, async (rows) => {
        const json = JSON.parse(JSON.stringify(rows)) as unknown;
        const written = await writeRows(path, stream(rows));
        expect(written.rows).toBe(rows.length);
        expect(await collect(readRows(path))).toEqual(json);
      }),
      { numRuns: 10 },
    );
  });

  test("reads rows that lie across the borders of chunks", { timeout: 30_000 }, async () => {
    const path = join(freshFolder(), `rows.${ending}`);
    const rows = Array.from({ length: 30 }, (_, n) => ({ n, text: "häß ".repeat(n * 2000) }));
    await writeRows(path, stream(rows));
    expect(await collect(readRows(path))).toEqual(rows);
  });
});

test("one line that is no JSON in the middle of a million is named, or left out alone", async () => {
  const path = join(freshFolder(), "rows.jsonl");
  const half = '{"n":1}\n'.repeat(500_000);
  writeFileSync(path, `${half}{"n": one}\n${half}`);
  const seen = async (options?: ReadOptions): Promise<number> => {
    let rows = 0;
    for await (const _ of readRows(path, undefined, options)) rows += 1;
    return rows;
  };
  const error = await failure(seen());
  expect(error).toMatchObject({ code: "dataset/not-json", fault: "user" });
  expect(error.message).toContain(`${path}:500001: is not JSON`);

  const drops: Drop[] = [];
  expect(await seen({ onBadRow: "skip", onDrop: (drop) => void drops.push(drop) })).toBe(1_000_000);
  expect(drops).toMatchObject([{ line: 500_001, row: '{"n": one}' }]);
});

test("concatenated gzip and zstd files are read to the end, wherever the frames lie", async () => {
  const path = freshFolder();
  const rows = Array.from({ length: 40 }, (_, n) => ({ n, text: `${n}`.repeat(60_000 + n) }));
  const lines = rows.map((row) => Buffer.from(`${JSON.stringify(row)}\n`));
  writeFileSync(`${path}/a.jsonl.zst`, Buffer.concat(lines.map((line) => zstdCompressSync(line))));
  writeFileSync(`${path}/a.jsonl.gz`, Buffer.concat(lines.map((line) => gzipSync(line))));
  expect(await collect(readRows(`${path}/a.jsonl.zst`))).toEqual(rows);
  expect(await collect(readRows(`${path}/a.jsonl.gz`))).toEqual(rows);
});

test("a byte order mark, Windows line ends, blank lines and a missing last line end are in order", async () => {
  const path = join(freshFolder(), "rows.jsonl");
  writeFileSync(path, '\uFEFF{"a":1}\r\n\r\n  \n{"a":2}\n\n{"a":"é"}');
  expect(await collect(readRows(path))).toEqual([{ a: 1 }, { a: 2 }, { a: "é" }]);
});

test("the last lines survive when only a few are taken, and the file is closed", async () => {
  const path = join(freshFolder(), "rows.jsonl");
  await writeRows(path, stream(Array.from({ length: 1000 }, (_, n) => example(n))));
  appendFileSync(path, "no json");
  expect(await collect(take<unknown>(2)(readRows(path)))).toEqual([example(0), example(1)]);
});

describe("a bad row", () => {
  const cases: [name: string, line: string | Buffer, code: string, message: RegExp][] = [
    ["that is no JSON", '{"a":', "dataset/not-json", /rows\.jsonl:501: is not JSON: /],
    ["that is no UTF-8", Buffer.from([0x22, 0xff, 0x22]), "dataset/not-utf8", /rows\.jsonl:501: /],
    ["that is a number", "3", "dataset/not-an-object", /rows\.jsonl:501: found 3, expected a row/],
    [
      "of a newer version",
      '{"schema":"example/99"}',
      "schema/unknown-version",
      /rows\.jsonl:501: \/schema: found "example\/99"/,
    ],
    [
      "that is wrong inside",
      '{"schema":"example/1","messages":[{"role":"usr","content":""}],"meta":{}}',
      "schema/invalid",
      /rows\.jsonl:501: \/messages\/0\/role: found "usr".*did you mean "user"/,
    ],
    ["that is too long", `"${"x".repeat(5000)}"`, "dataset/line-too-long", /rows\.jsonl:501: /],
    [
      "of wide letters that is too long",
      `"${"é".repeat(2500)}"`,
      "dataset/line-too-long",
      /:501: /,
    ],
  ];

  test.each(cases)("%s is named with its line", async (_, line, code, message) => {
    const path = join(freshFolder(), "rows.jsonl");
    for (let n = 0; n < 500; n++) appendFileSync(path, `${JSON.stringify(example(n))}\n`);
    appendFileSync(path, line);
    for (let n = 0; n < 500; n++) appendFileSync(path, `\n${JSON.stringify(example(n))}`);

    const error = await failure(collect(readRows(path, records.example, { maxLineBytes: 4096 })));
    expect(error.code).toBe(code);
    expect(error.fault).toBe("user");
    expect(error.message).toMatch(message);

    const drops: Drop[] = [];
    const skipping = { onBadRow: "skip", onDrop: (drop: Drop) => void drops.push(drop) } as const;
    const options = { maxLineBytes: 4096, ...skipping };
    expect(await collect(readRows(path, records.example, options))).toHaveLength(1000);
    expect(drops).toMatchObject([{ schema: "drop/1", code, file: path, line: 501 }]);
  });

  test("of a kind that its tag names is checked even where no kind is asked for", async () => {
    const path = join(freshFolder(), "rows.jsonl");
    writeFileSync(path, '{"schema":"seed/7"}\n');
    expect((await failure(collect(readRows(path)))).code).toBe("schema/unknown-version");
    writeFileSync(path, '{"schema":"CREATE TABLE t (a int)"}\n');
    expect(await collect(readRows(path))).toEqual([{ schema: "CREATE TABLE t (a int)" }]);
  });

  test("is refused on the way out, and nothing is written", async () => {
    const folder = freshFolder();
    const rows = stream([example(1), { schema: "example/1", messages: [], meta: {} }]);
    const error = await failure(writeRows(`${folder}/out.jsonl`, rows, records.example));
    expect(error.message).toMatch(
      /out\.jsonl:2: \/messages: found \[\], must NOT have fewer than 1/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("goes to a side file that exists only where rows were dropped", async () => {
    const folder = freshFolder();
    writeFileSync(`${folder}/in.jsonl`, '{"a":1}\nnull\n{"a":2}\n');
    const log = dropLog(`${folder}/dropped.jsonl`);
    const options = { onBadRow: "skip", onDrop: log.add } as const;
    expect(await collect(readRows(`${folder}/in.jsonl`, undefined, options))).toHaveLength(2);
    await log.close();
    expect(await collect(readRows(`${folder}/dropped.jsonl`, records.drop))).toMatchObject([
      { code: "dataset/not-an-object", line: 2, row: null },
    ]);
    const none = dropLog(`${folder}/none.jsonl`);
    await none.close();
    expect(readdirSync(folder).toSorted()).toEqual(["dropped.jsonl", "in.jsonl"]);
  });
});

test("nulls that tables of other tools are full of count as missing fields", async () => {
  const path = join(freshFolder(), "rows.jsonl");
  const turn = { role: "user", content: "hi", name: null, tool_calls: null };
  writeFileSync(path, JSON.stringify({ messages: [turn], tools: null }));
  expect(await collect(readRows(path, records.example))).toEqual([
    { schema: "example/1", messages: [{ role: "user", content: "hi" }], meta: {} },
  ]);

  // A record of ours that has been through such a tool; a null that the record knows stays.
  writeFileSync(
    path,
    JSON.stringify({ schema: "example/1", messages: [turn], tools: null, meta: { skill: null } }),
  );
  expect(await collect(readRows(path))).toEqual([
    { schema: "example/1", messages: [{ role: "user", content: "hi" }], meta: {} },
  ]);
  const result = {
    item: "i",
    benchmark: "b",
    model: "m",
    reply: "",
    extracted: null,
    verdict: "unscored",
    scores: {},
  };
  writeFileSync(path, JSON.stringify({ schema: "result/1", ...result }));
  expect(await collect(readRows(path))).toEqual([{ schema: "result/1", ...result }]);
});

describe("a source", () => {
  test.each([
    ["that is missing", "no.jsonl", "dataset/missing", /no\.jsonl: there is no such file/],
    ["that is empty", "empty.jsonl", "dataset/empty", /empty\.jsonl: has no rows/],
    ["of blank lines", "blank.jsonl", "dataset/empty", /blank\.jsonl: has no rows/],
    ["that is no gzip", "no.jsonl.gz", "dataset/broken-compression", /is no valid gzip file/],
    ["that is no zstd", "no.jsonl.zst", "dataset/broken-compression", /is no valid zstd file/],
    ["cut short (gzip)", "cut.jsonl.gz", "dataset/broken-compression", /is cut short/],
    ["cut short (zstd)", "cut.jsonl.zst", "dataset/broken-compression", /is cut short/],
    ["outside the root", "../x.jsonl", "dataset/", /x\.jsonl: /],
    ["behind a link out of the root", "link.jsonl", "dataset/outside-root", /outside the root/],
  ])("%s is an error with its place", async (_, name, code, message) => {
    const outside = freshFolder();
    const root = freshFolder();
    writeFileSync(`${outside}/secret.jsonl`, '{"a":1}');
    symlinkSync(`${outside}/secret.jsonl`, `${root}/link.jsonl`);
    writeFileSync(`${root}/empty.jsonl`, "");
    writeFileSync(`${root}/blank.jsonl`, "\n \n\n");
    writeFileSync(`${root}/no.jsonl.gz`, '{"a":1}');
    writeFileSync(`${root}/no.jsonl.zst`, '{"a":1}');
    const text = Buffer.from('{"a":1}\n'.repeat(1000));
    writeFileSync(`${root}/cut.jsonl.gz`, gzipSync(text).subarray(0, -9));
    writeFileSync(`${root}/cut.jsonl.zst`, zstdCompressSync(text).subarray(0, -9));
    const error = await failure(collect(readRows(join(root, name), undefined, { root })));
    expect(error.code).toContain(code);
    expect(error.message).toMatch(message);
  });

  test("without rows is in order where that is allowed", async () => {
    const path = join(freshFolder(), "rows.jsonl");
    await writeRows(path, stream([]));
    expect(await collect(readRows(path, undefined, { allowEmpty: true }))).toEqual([]);
  });
});

describe("a target", () => {
  test("changes only when the writer is closed, and not at all when it is discarded", async () => {
    const folder = freshFolder();
    const path = `${folder}/out.jsonl`;
    await writeRows(path, stream([{ old: true }]));
    {
      await using writer = await openWriter(path);
      await writer.write({ fresh: true });
      expect(readFileSync(path, "utf8")).toBe('{"old":true}\n');
    }
    expect(readFileSync(path, "utf8")).toBe('{"old":true}\n');
    expect(readdirSync(folder)).toEqual(["out.jsonl"]);
  });

  test("stays as it was when the rows fail on the way", async () => {
    const folder = freshFolder();
    const failing = async function* () {
      yield { n: 1 };
      throw new Error("the source broke");
    };
    await expect(writeRows(`${folder}/out.jsonl.zst`, failing())).rejects.toThrow(
      "the source broke",
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("of an unknown ending is refused, with the one that was meant", async () => {
    const error = await failure(writeRows(`${freshFolder()}/out.jsnl`, stream([])));
    expect(error.code).toBe("dataset/unknown-format");
    expect(error.message).toContain('did you mean ".jsonl"?');
  });

  test("that is a folder is refused", async () => {
    const path = join(freshFolder(), "rows.jsonl");
    mkdirSync(path);
    const error = await failure(writeRows(path, stream([])));
    expect(error.code).toBe("dataset/not-a-file");
    expect(error.message).toContain("rows.jsonl: is a folder");
  });

  test("that is a link stays a link; what it points at is written", async () => {
    const folder = freshFolder();
    writeFileSync(`${folder}/real.jsonl`, "");
    symlinkSync(`${folder}/real.jsonl`, `${folder}/link.jsonl`);
    await writeRows(`${folder}/link.jsonl`, stream([{ a: 1 }]));
    expect(readFileSync(`${folder}/real.jsonl`, "utf8")).toBe('{"a":1}\n');
  });

  test("of a writer that is gone is cleaned of what it left, and of nothing else", async () => {
    const folder = freshFolder();
    await using alive = await openWriter(`${folder}/out.jsonl`);
    await alive.write({ a: 1 });
    const [own] = readdirSync(folder);
    const gone = own!.replace(`-${process.pid}-`, "-999999999-");
    writeFileSync(`${folder}/${gone}`, "half a row");
    writeFileSync(`${folder}/.out.jsonl.tmp`, "somebody else's");
    await writeRows(`${folder}/out.jsonl`, stream([{ a: 2 }]));
    expect(new Set(readdirSync(folder))).toEqual(new Set([own, ".out.jsonl.tmp", "out.jsonl"]));
  });
});
