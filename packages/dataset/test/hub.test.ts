import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";

import { type PostgradError, records } from "@postgrad/schema";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import {
  collect,
  openWriter,
  type PlacedRow,
  readPlaced,
  readRows,
  sizeCategory,
  writeRows,
} from "../src/index.ts";
import { freshFolder, stream } from "./folder.ts";

const example = (n: number) => ({
  schema: "example/1",
  messages: [{ role: "user", content: `question ${n}` }],
  meta: {
    language: n % 3 === 0 ? "de-AT" : "en",
    license: "Apache-2.0",
    ...(n % 2 === 0 ? { skill: "arithmetic", scores: { a: n } } : {}),
  },
});
const examples = Array.from({ length: 100 }, (_, n) => example(n));
const splitOf = (row: object): string => {
  const n = examples.indexOf(row as (typeof examples)[number]);
  return n % 10 === 0 ? "test" : "train";
};

const filesIn = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => /\.\w+$/.test(name))
    .toSorted();
const frontMatter = (folder: string): Record<string, unknown> =>
  parse(readFileSync(`${folder}/README.md`, "utf8").split("---")[1]!) as Record<string, unknown>;
const failure = async (run: Promise<unknown>): Promise<PostgradError> => {
  const error: unknown = await run.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  return error as PostgradError;
};

describe.each(["parquet", "jsonl", "jsonl.gz", "jsonl.zst"] as const)(
  "a folder of %s",
  (format) => {
    test("has the hub's layout, and comes back with its splits", async () => {
      const folder = `${freshFolder()}/data`;
      const written = await writeRows(folder, stream(examples), records.example, {
        format,
        splitOf,
      });
      expect(written.rows).toBe(100);
      expect(filesIn(folder)).toEqual([
        "README.md",
        `default/test-00000-of-00001.${format}`,
        `default/train-00000-of-00001.${format}`,
      ]);
      const placed: PlacedRow[] = await collect(readPlaced(folder, records.example));
      for (const split of ["train", "test"]) {
        const expected = examples.filter((row) => splitOf(row) === split);
        expect(placed.filter((row) => row.split === split).map(({ row }) => row)).toEqual(expected);
        expect(await collect(readRows(folder, undefined, { split }))).toEqual(expected);
      }
    });

    test("is cut into several files where one would grow too large", async () => {
      const folder = `${freshFolder()}/data`;
      await writeRows(folder, stream(examples), undefined, { format, maxFileBytes: 2000 });
      const files = filesIn(folder).slice(1);
      expect(files.length).toBeGreaterThan(1);
      expect(files[1]).toBe(`default/train-00001-of-0000${files.length}.${format}`);
      expect(await collect(readRows(folder))).toEqual(examples);
    });
  },
);

test("the card says what the hub wants to know, and the numbers", async () => {
  const folder = `${freshFolder()}/data`;
  const card = {
    title: "Small | sums",
    description: "Made for a test.",
    tasks: ["text-generation"],
  };
  await writeRows(folder, stream(examples), records.example, { splitOf, card });
  const { dataset_info: infos, ...front } = frontMatter(folder) as { dataset_info: unknown[] };
  expect(front).toEqual({
    pretty_name: "Small | sums",
    license: "apache-2.0",
    language: ["en", "de"],
    task_categories: ["text-generation"],
    tags: ["postgrad"],
    size_categories: ["n<1K"],
    configs: [
      {
        config_name: "default",
        data_files: [
          { split: "test", path: "default/test-*.parquet" },
          { split: "train", path: "default/train-*.parquet" },
        ],
      },
    ],
  });
  expect(infos).toMatchObject([
    {
      config_name: "default",
      features: [
        { name: "schema", dtype: "string" },
        {
          name: "messages",
          list: [
            { name: "role", dtype: "string" },
            { name: "content", dtype: "string" },
          ],
        },
        {
          name: "meta",
          struct: [
            { name: "language", dtype: "string" },
            { name: "license", dtype: "string" },
            { name: "skill", dtype: "string" },
            { name: "scores", struct: [{ name: "a", dtype: "int64" }] },
          ],
        },
      ],
      splits: [
        { name: "test", num_examples: 10 },
        { name: "train", num_examples: 90 },
      ],
    },
  ]);
  const text = readFileSync(`${folder}/README.md`, "utf8");
  expect(text).toContain("| default | train | 90 |");
  expect(text).toContain("| languages | en | 66 | 66.0% |");
  expect(text).toContain("| skills | arithmetic | 50 | 50.0% |");
});

test("configs have columns of their own; splits of one config share theirs", async () => {
  const folder = `${freshFolder()}/data`;
  await using writer = await openWriter(folder);
  await writer.write({ a: 1 }, "train", "one");
  await writer.write({ b: "x" }, "test", "one");
  await writer.write({ a: "text" }, "train", "two");
  await writer.close();
  const { configs, dataset_info: infos } = frontMatter(folder);
  expect(configs).toMatchObject([{ config_name: "one" }, { config_name: "two" }]);
  const columns = [
    { name: "a", dtype: "int64" },
    { name: "b", dtype: "string" },
  ];
  expect(infos).toMatchObject([
    { features: columns },
    { features: [{ name: "a", dtype: "string" }] },
  ]);
  expect(await collect(readPlaced(folder))).toEqual([
    { config: "one", split: "train", row: { a: 1 } },
    { config: "one", split: "test", row: { b: "x" } },
    { config: "two", split: "train", row: { a: "text" } },
  ]);
  expect(await collect(readRows(folder, undefined, { config: "one", split: "test" }))).toEqual([
    { b: "x" },
  ]);
  const error = await failure(collect(readRows(folder, undefined, { config: "three" })));
  expect(error.message).toContain("there is one/train, one/test, two/train");
});

test.each([
  [999, "n<1K"],
  [1000, "1K<n<10K"],
  [99_999, "10K<n<100K"],
  [1_000_000, "1M<n<10M"],
  [1e12, "n>1T"],
])("%d rows are in the hub's class %s", (rows, name) => {
  expect(sizeCategory(rows)).toBe(name);
});

describe("folders of others are read", () => {
  const lay = (files: Record<string, string>): string => {
    const folder = freshFolder();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      writeFileSync(`${folder}/${name}`, text);
    }
    return folder;
  };
  const splits = async (folder: string): Promise<string[]> =>
    (await collect(readPlaced(folder))).map(
      ({ config, split, row }) => `${config}/${split} ${JSON.stringify(row)}`,
    );

  test("by what their card lists: one pattern, several, patterns for splits", async () => {
    const folder = lay({
      "README.md": `---\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: ["data/**/*.jsonl"]\n  - split: test\n    path: held.jsonl\n- config_name: extra\n  data_files: more/x?.jsonl\n---\n# Title\n`,
      "data/a/b/1.jsonl": '{"n":1}',
      "data/2.jsonl": '{"n":2}',
      "held.jsonl": '{"n":3}',
      "more/x1.jsonl": '{"n":4}',
      "more/y1.jsonl": '{"n":5}',
      ".cache/z.jsonl": "broken",
    });
    expect(await splits(folder)).toEqual([
      'main/train {"n":2}',
      'main/train {"n":1}',
      'main/test {"n":3}',
      'extra/train {"n":4}',
    ]);
  });

  test("by the words in their paths where there is no card", async () => {
    const folder = lay({
      "README.md": "# No front matter",
      "data/train-00000-of-00001.jsonl": '{"n":1}',
      "data/dev.jsonl": '{"n":2}',
      "testing/rows.json": '[{"n":3}]',
      "easy-00000-of-00002.jsonl": '{"n":4}',
      "rows.jsonl": '{"n":5}',
      "dataset_infos.json": "{}",
    });
    expect(await splits(folder)).toEqual([
      'default/validation {"n":2}',
      'default/train {"n":1}',
      'default/easy {"n":4}',
      'default/train {"n":5}',
      'default/test {"n":3}',
    ]);
  });

  test("unless nothing of it can be read, its card is no YAML, or a link leads out of the root", async () => {
    expect((await failure(splits(lay({ "a.bin": "\0" })))).code).toBe("dataset/empty");
    const card = { "README.md": "---\na: [\n---\n", "a.jsonl": "{}" };
    expect((await failure(splits(lay(card)))).code).toBe("dataset/card");
    const folder = lay({ "a.jsonl": '{"n":1}' });
    symlinkSync(`${lay({ "b.jsonl": '{"n":2}' })}/b.jsonl`, `${folder}/b.jsonl`);
    const error = await failure(collect(readRows(folder, undefined, { root: folder })));
    expect(error.code).toBe("dataset/outside-root");
  });
});

describe("a folder as target", () => {
  test("is replaced as a whole", async () => {
    const parent = freshFolder();
    await writeRows(`${parent}/data`, stream(examples), undefined, { splitOf });
    await writeRows(`${parent}/data/`, stream(examples), undefined, { format: "jsonl" });
    expect(filesIn(`${parent}/data`)).toEqual(["README.md", "default/train-00000-of-00001.jsonl"]);
    expect(readdirSync(parent)).toEqual(["data"]);
  });

  test("that is replaced while it is read is not mixed with its new version", async () => {
    const folder = `${freshFolder()}/data`;
    const options = { format: "jsonl", maxFileBytes: 2000 } as const;
    await writeRows(folder, stream(examples), undefined, options);
    const rows = readRows(folder);
    await rows.next();
    await writeRows(folder, stream(examples), undefined, options);
    expect((await failure(collect(rows))).code).toBe("dataset/changed");
  });

  test("that holds somebody's files is refused, and they stay", async () => {
    const folder = freshFolder();
    mkdirSync(`${folder}/default`);
    writeFileSync(`${folder}/default/thesis.txt`, "years of work");
    const error = await failure(writeRows(folder, stream(examples)));
    expect(error.code).toBe("dataset/foreign-folder");
    expect(error.message).toContain("holds default/thesis.txt");
    expect(filesIn(folder)).toEqual(["default/thesis.txt"]);
  });

  test("stays as it was where the rows fail, and where a split has a name that no loader reads", async () => {
    const parent = freshFolder();
    await writeRows(`${parent}/data`, stream(examples));
    const failing = async function* () {
      yield example(1);
      throw new Error("the source broke");
    };
    await expect(writeRows(`${parent}/data`, failing())).rejects.toThrow("the source broke");
    const named = writeRows(`${parent}/data`, stream(examples), undefined, {
      splitOf: () => "../up",
    });
    expect((await failure(named)).code).toBe("dataset/split-name");
    expect(readdirSync(parent)).toEqual(["data"]);
    expect(await collect(readRows(`${parent}/data`))).toEqual(examples);
  });

  test("without rows is a card and an empty file", async () => {
    const folder = `${freshFolder()}/data`;
    await writeRows(folder, stream([]), undefined, { format: "jsonl" });
    expect(filesIn(folder)).toEqual(["README.md", "default/train-00000-of-00001.jsonl"]);
    expect((await failure(collect(readRows(folder)))).code).toBe("dataset/empty");
  });
});
