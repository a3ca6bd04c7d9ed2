import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { faultyServer } from "@postgrad/teacher/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

import { postgrad } from "./memory-process.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "postgrad-ask-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const read = (name: string) =>
  readFileSync(join(cwd, name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("asks once, and finds the answer in the ledger the second time", async () => {
  await using server = await faultyServer({ answer: (question) => `You said: ${question}` });
  const argv = ["ask", "--teacher", `compatible:${server.url}#model`, "--prompt", "Hello?"];
  const first = await postgrad(argv, { cwd });
  expect(first).toMatchObject({ code: 0, out: "You said: Hello?\n" });
  const { out } = await postgrad([...argv, "--json"], { cwd });
  expect(JSON.parse(out)).toMatchObject({
    value: "You said: Hello?",
    lineage: { agent: "cli/ask" },
  });
  expect(server.calls).toHaveLength(1);
});

test("asks about every row, in order, with answers of a schema", async () => {
  await using server = await faultyServer({
    answer: (question) => ({ city: question.split(" ").at(-1) }),
  });
  writeFileSync(
    join(cwd, "rows.jsonl"),
    ["France", "Spain", "Italy"].map((country) => `${JSON.stringify({ country })}\n`).join(""),
  );
  writeFileSync(
    join(cwd, "city.json"),
    JSON.stringify({
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    }),
  );
  const { code, err } = await postgrad(
    [
      "ask",
      "--teacher",
      `compatible:${server.url}#model`,
      "--in",
      "rows.jsonl",
      "--prompt",
      "Capital of {country}",
      "--schema",
      "city.json",
      "--out",
      "answers.jsonl",
    ],
    { cwd },
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(read("answers.jsonl").map(({ messages }) => messages)).toEqual(
    ["France", "Spain", "Italy"].map((country) => [
      { role: "user", content: `Capital of ${country}` },
      { role: "assistant", content: JSON.stringify({ city: country }) },
    ]),
  );
});

test("a question without a valid answer goes to the side file, the others are whole", async () => {
  await using server = await faultyServer({
    answer: () => ({ city: "Paris" }),
    script: ({ question }) => (question.includes("Spain") ? "wrong-schema" : undefined),
  });
  writeFileSync(join(cwd, "rows.jsonl"), '{"country":"France"}\n{"country":"Spain"}\n');
  writeFileSync(
    join(cwd, "city.json"),
    JSON.stringify({
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    }),
  );
  const { code } = await postgrad(
    [
      "ask",
      "--teacher",
      `compatible:${server.url}#model`,
      "--in",
      "rows.jsonl",
      "--prompt",
      "Capital of {country}",
      "--schema",
      "city.json",
      "--out",
      "answers.jsonl",
    ],
    { cwd },
  );
  expect(code).toBe(0);
  expect(read("answers.jsonl")).toHaveLength(1);
  expect(read("answers.jsonl.drops.jsonl")).toMatchObject([
    { code: "teacher/invalid-answer", row: { country: "Spain" } },
  ]);
});

test.each([
  [["--teacher", "compatible:http://127.0.0.1:1/v1#m"], "--prompt or --in is missing"],
  [["--teacher", "opnai:gpt-4.1", "--prompt", "x"], 'did you mean "openai:gpt-4.1"?'],
  [["--teacher", "compatible:http://127.0.0.1:1/v1#m", "--in", "rows.jsonl"], "--out is missing"],
  [
    [
      "--teacher",
      "compatible:http://127.0.0.1:1/v1#m",
      "--in",
      "rows.jsonl",
      "--prompt",
      "{town}",
      "--out",
      "o.jsonl",
    ],
    "the template names {town}, but the row has only country",
  ],
  [
    ["--teacher", "compatible:http://127.0.0.1:1/v1#m", "--prompt", "x", "--schema", "rows.jsonl"],
    "output schema",
  ],
])("ask %j is the user's mistake", async (argv, message) => {
  writeFileSync(join(cwd, "rows.jsonl"), '{"country":"France"}\n');
  const { code, err } = await postgrad(["ask", ...argv], { cwd });
  expect(err).toContain(message);
  expect(code).toBe(2);
});

test("a plan costs nothing, and counts what the ledger has as free", async () => {
  await using server = await faultyServer({ answer: () => "yes" });
  writeFileSync(join(cwd, "rows.jsonl"), '{"country":"France"}\n{"country":"Spain"}\n');
  const teacher = ["ask", "--teacher", `compatible:${server.url}#model`];
  await postgrad([...teacher, "--prompt", "Capital of France"], { cwd });
  const { code, out } = await postgrad(
    [...teacher, "--in", "rows.jsonl", "--prompt", "Capital of {country}", "--plan", "--json"],
    { cwd },
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ questions: 2, cached: 1, isPriced: false });
  expect(server.calls).toHaveLength(1);
});

test("a budget that does not allow the call stops it before it is made", async () => {
  await using server = await faultyServer({ answer: () => "never" });
  const { code, err } = await postgrad(
    [
      "ask",
      "--teacher",
      `compatible:${server.url}#model`,
      "--prompt",
      "Hello?",
      "--budget-tokens",
      "10",
    ],
    { cwd },
  );
  expect(code).toBe(2);
  expect(err).toContain("the budget of 10 tokens does not allow the next call");
  expect(server.calls).toHaveLength(0);
});
