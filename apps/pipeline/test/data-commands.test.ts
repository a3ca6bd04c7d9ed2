import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { commands } from "../src/index.ts";
import { postgrad } from "./memory-process.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "postgrad-cli-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const run = (...argv: string[]) => postgrad(argv, { cwd });
const write = (name: string, rows: readonly unknown[]) =>
  writeFileSync(join(cwd, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const read = (name: string) =>
  readFileSync(join(cwd, name), "utf8")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const example = (user: string, assistant: string, seeds?: string[]) => ({
  schema: "example/1",
  messages: [
    { role: "user", content: user },
    { role: "assistant", content: assistant },
  ],
  meta: seeds ? { lineage: { seeds } } : {},
});

describe("inspect", () => {
  test("shows records as a person would read them", async () => {
    write("rows.jsonl", [example("What is 2 + 2?", "4,\nnot 5"), example("b", "b")]);
    const { code, out } = await run("inspect", "rows.jsonl", "--rows", "1");
    expect(code).toBe(0);
    // oxlint-disable-next-line no-control-regex -- the colours
    expect(out.replaceAll(/\u001B\[\d+m/g, "")).toBe(
      "rows.jsonl:1  example/1\n       user  What is 2 + 2?\n  assistant  4,\n             not 5\n  meta  {}\n\n",
    );
  });

  test("gives machines one record a line, and can skip", async () => {
    write("rows.jsonl", [example("a", "a"), example("b", "b"), example("c", "c")]);
    const { out } = await run("inspect", "rows.jsonl", "--skip", "1", "--rows", "1", "--json");
    expect(out).toBe(`${JSON.stringify(example("b", "b"))}\n`);
  });

  test("does not obey control characters of the data", async () => {
    write("rows.jsonl", [example("\u001B[2Jgone", "ok")]);
    expect((await run("inspect", "rows.jsonl")).out).not.toContain("\u001B[2J");
  });
});

describe("convert", () => {
  test("upgrades rows of other tools and packs them", async () => {
    write("alpaca.jsonl", [{ instruction: "Add 2 and 2.", input: "", output: "4" }]);
    expect((await run("convert", "alpaca.jsonl", "rows.jsonl.zst", "--kind", "example")).code).toBe(
      0,
    );
    expect((await run("convert", "rows.jsonl.zst", "back.jsonl")).code).toBe(0);
    expect(read("back.jsonl")).toEqual([example("Add 2 and 2.", "4")]);
  });

  test("stops at a bad row, with its place, and leaves nothing behind", async () => {
    writeFileSync(
      join(cwd, "rows.jsonl"),
      `${JSON.stringify(example("a", "a"))}\n{"messages": [\n`,
    );
    const { code, err } = await run("convert", "rows.jsonl", "out.jsonl");
    expect(code).toBe(2);
    expect(err).toContain("rows.jsonl:2: ");
    expect(existsSync(join(cwd, "out.jsonl"))).toBe(false);
  });

  test("skips bad rows into a side file when told to", async () => {
    writeFileSync(join(cwd, "rows.jsonl"), `nonsense\n${JSON.stringify(example("a", "a"))}\n`);
    const { code, out } = await run(
      "convert",
      "rows.jsonl",
      "out.jsonl",
      "--on-bad-row",
      "skip",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ rows: 1, dropped: 1 });
    expect(read("out.jsonl.drops.jsonl")).toMatchObject([{ code: "dataset/not-json", line: 1 }]);
  });

  test.each([
    [["nowhere.jsonl", "out.jsonl"], "nowhere.jsonl: there is no such file"],
    [["rows.jsonl", "out.jsnl"], 'did you mean ".jsonl"?'],
    [["rows.jsonl", "out.jsonl", "--kind", "exmple"], '(did you mean "example"?)'],
    [["empty.jsonl", "out.jsonl"], "has no rows"],
    [["rows.jsonl", "out.jsonl", "--root", "inside"], "outside"],
  ])("%j is the user's mistake", async (argv, message) => {
    write("rows.jsonl", [example("a", "a")]);
    write("empty.jsonl", []);
    mkdirSync(join(cwd, "inside"));
    const { code, err } = await run("convert", ...argv);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(join(cwd, "out.jsonl"))).toBe(false);
  });
});

test("dedup leaves out exact and near repetitions, and says of what", async () => {
  const long =
    "The quick brown fox jumps over the lazy dog while the cat sleeps on the warm mat by the old stone wall near the river bank";
  write("rows.jsonl", [
    example(long, "a"),
    example(long, "a"),
    example(`${long} today`, "a"),
    example("Something else", "b"),
  ]);
  expect((await run("dedup", "rows.jsonl", "exact.jsonl")).code).toBe(0);
  expect(read("exact.jsonl")).toHaveLength(3);
  expect(
    (await run("dedup", "rows.jsonl", "near.jsonl", "--near", "--drops", "why.jsonl")).code,
  ).toBe(0);
  expect(read("near.jsonl")).toHaveLength(2);
  expect(read("why.jsonl").map(({ code }) => code)).toEqual([
    "dataset/duplicate",
    "dataset/near-duplicate",
  ]);
});

test("decontaminate leaves out rows that quote an item, and reports what matched", async () => {
  const question = "a train leaves the old station at nine and travels sixty miles every hour";
  write("items.jsonl", [
    {
      schema: "item/1",
      id: "q1",
      benchmark: "sums",
      prompt: [{ role: "user", content: question }],
      gold: ["180"],
    },
  ]);
  write("rows.jsonl", [example(question, "180"), example("hello", "hi")]);
  const { code, out } = await run(
    "decontaminate",
    "rows.jsonl",
    "clean.jsonl",
    "--against",
    "items.jsonl",
    "--json",
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    rows: 1,
    dropped: 1,
    matches: 1,
    items: 1,
    uncheckedItems: 0,
  });
  expect(read("clean.jsonl.matches.jsonl")).toMatchObject([
    { item: "q1", benchmark: "sums", overlap: 1 },
  ]);
});

test("card counts what it describes, and convert writes the hub's layout with one", async () => {
  write("rows.jsonl", [example("a", "b"), example("c", "d")]);
  expect((await run("convert", "rows.jsonl", "data/", "--kind", "example")).code).toBe(0);
  const written = readFileSync(join(cwd, "data/README.md"), "utf8");
  expect(written).toContain("path: default/train-*.parquet");
  const { out } = await run("card", "data", "--title", "Letters", "--license", "Apache-2.0");
  expect(out).toContain("# Letters");
  expect(out).toContain("license: apache-2.0");
  expect(out).toMatch(/\| default \| train \| 2 \|/);
  expect((await run("card", "data", "--out", "card.md")).out).toBe("card.md: the card of 2 rows\n");
  expect((await run("convert", "data", "back.jsonl")).code).toBe(0);
  expect(read("back.jsonl")).toEqual([example("a", "b"), example("c", "d")]);
});

test("split puts all rows of a document into one split", async () => {
  write(
    "rows.jsonl",
    Array.from({ length: 60 }, (_, i) => example(`q${i}`, "a", [`document-${i % 12}`])),
  );
  const { code } = await run(
    "split",
    "rows.jsonl",
    "splits",
    "--share",
    "train=0.5",
    "--share",
    "test=0.5",
    "--format",
    "jsonl",
  );
  expect(code).toBe(0);
  const seedsOf = (name: string) =>
    new Set(
      read(`splits/default/${name}-00000-of-00001.jsonl`).map(
        (row) => (row as ReturnType<typeof example>).meta.lineage!.seeds[0],
      ),
    );
  const [train, held] = [seedsOf("train"), seedsOf("test")];
  expect(train.intersection(held).size).toBe(0);
  expect(train.size + held.size).toBe(12);
  expect((await run("split", "rows.jsonl", "splits", "--share", "train")).err).toContain(
    '--share: found "train", expected NAME=SHARE',
  );
});

test("rows that are no record of ours pass through every step", async () => {
  write("rows.jsonl", [
    { text: "one" },
    { text: "two" },
    { text: "one" },
    { messages: "a column" },
  ]);
  expect(await run("dedup", "rows.jsonl", "unique.jsonl", "--near")).toMatchObject({ code: 0 });
  expect(read("unique.jsonl")).toEqual([
    { text: "one" },
    { text: "two" },
    { messages: "a column" },
  ]);
  expect(await run("split", "unique.jsonl", "splits", "--share", "all=1")).toMatchObject({
    code: 0,
  });
  const { out } = await run("inspect", "splits", "--json");
  expect(out).toBe(readFileSync(join(cwd, "unique.jsonl"), "utf8"));
});

test.each(["inspect", "convert", "dedup", "decontaminate", "split"])(
  "the example in the help of %s works as it stands there",
  async (name) => {
    const rows = [example("a question", "an answer"), example("another", "answer")];
    write("rows.jsonl", rows);
    write("train.jsonl", rows);
    write("items.jsonl", [
      {
        schema: "item/1",
        id: "q",
        benchmark: "b",
        prompt: rows[0]!.messages.slice(0, 1),
        gold: [],
      },
    ]);
    const command = commands.find((candidate) => candidate.name === name)!;
    const { code, err } = await run(...command.example.split(" ").slice(1));
    expect({ code, err: err.replace(/^\d.*too short to be checked\n/, "") }).toEqual({
      code: 0,
      err: "",
    });
  },
);
