import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { AgentCall } from "@postgrad/schema";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Clock, openLedger, systemClock } from "../src/index.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const lineage = (prompt: string): AgentCall => ({
  agent: "a",
  model: "m:m",
  prompt,
  attempts: 1,
  inputTokens: 10,
  outputTokens: 5,
  cost: 0.25,
});

test("an answer is there when the file is opened again, and the first one stays", () => {
  const path = join(folder, "new/folder/ledger.sqlite");
  {
    using ledger = openLedger(path);
    expect(ledger.store({ value: { a: "ü" }, lineage: lineage("k") })).toBe(true);
    expect(ledger.store({ value: { a: "other" }, lineage: lineage("k") })).toBe(false);
  }
  using again = openLedger(path);
  expect(again.get("k")).toEqual({ value: { a: "ü" }, lineage: lineage("k") });
  expect(again.spent()).toEqual({
    answers: 1,
    inputTokens: 10,
    outputTokens: 5,
    tokens: 15,
    cost: 0.25,
  });
});

test("two ledgers on one file do not both get a question", () => {
  const path = join(folder, "shared.sqlite");
  using one = openLedger(path);
  using two = openLedger(path);
  expect(one.claim("k")).toBe("mine");
  expect(two.claim("k")).toBe("theirs");
  one.store({ value: 1, lineage: lineage("k") });
  expect(two.get("k")?.value).toBe(1);
  expect(one.claim("l")).toBe("mine");
  one.release("l");
  expect(two.claim("l")).toBe("mine");
});

test("a claim ends with its process, at once where that can be seen", async () => {
  const path = join(folder, "dead.sqlite");
  const code = `
    import { openLedger } from "${import.meta.dirname}/../src/index.ts";
    openLedger(${JSON.stringify(path)}).claim("k");
    process.kill(process.pid, "SIGKILL");`;
  const { signal } = await execa({ reject: false })`node --input-type=module --eval ${code}`;
  expect(signal).toBe("SIGKILL");
  using ledger = openLedger(path);
  expect(ledger.claim("k")).toBe("mine");
});

test("a claim of a process that is silent for 30 seconds is taken over", () => {
  const path = join(folder, "silent.sqlite");
  let now = 1_000_000;
  const clock: Clock = { ...systemClock, now: () => now };
  using silent = openLedger(path, clock);
  using other = openLedger(path, clock);
  silent.claim("k");
  now += 29_000;
  expect(other.claim("k")).toBe("theirs");
  now += 2_000;
  expect(other.claim("k")).toBe("mine");
});

test.each([
  [
    "text",
    "teacher/ledger-foreign",
    (path: string) => writeFileSync(path, "no database\n".repeat(100)),
  ],
  [
    "another program's database",
    "teacher/ledger-foreign",
    (path: string) => openOther(path, "CREATE TABLE t (x)"),
  ],
  [
    "a ledger of a later version",
    "teacher/ledger-newer",
    (path: string) => {
      openLedger(path).close();
      openOther(path, "PRAGMA user_version = 99");
    },
  ],
])("%s is refused by name", (name, code, make) => {
  const path = join(folder, `${name}.sqlite`);
  make(path);
  expect(() => openLedger(path)).toThrow(expect.objectContaining({ code }));
  expect(() => openLedger(path)).toThrow(path);
});

test("a damaged file is named, and what to do about it", () => {
  const path = join(folder, "damaged.sqlite");
  {
    using ledger = openLedger(path);
    for (let i = 0; i < 500; i++)
      ledger.store({ value: "x".repeat(100), lineage: lineage(`k${i}`) });
  }
  const bytes = readFileSync(path);
  bytes.fill(0xff, 8192, bytes.length - 100); // all but the header, the schema and the last page's end
  writeFileSync(path, bytes);
  const read = (): void => {
    using ledger = openLedger(path);
    for (let i = 0; i < 500; i++) ledger.get(`k${i}`);
  };
  expect(read).toThrow(
    expect.objectContaining({ code: "teacher/ledger-corrupt", fault: "system" }),
  );
  expect(read).toThrow(`${path} is damaged; restore a copy`);
});

test("a folder in place of the file is refused", () => {
  expect(() => openLedger(folder)).toThrow(expect.objectContaining({ code: "teacher/ledger-io" }));
});

test("nothing is printed about the state of Node's SQLite", async () => {
  const code = `
    import { openLedger } from "${import.meta.dirname}/../src/index.ts";
    openLedger(":memory:").close();`;
  const { stderr } = await execa`node --input-type=module --eval ${code}`;
  expect(stderr).toBe("");
});

function openOther(path: string, sql: string): void {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}
