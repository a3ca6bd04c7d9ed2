import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openLedger } from "../src/index.ts";
import { faultyServer } from "../src/testing/index.ts";

const count = 120;
const questions = Array.from({ length: count }, (_, i) => `question ${i}`);
const script = `${import.meta.dirname}/fixtures/ask-many.ts`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kill-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the ledger has, read from the file itself. */
function stored(path: string): string[] {
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare("SELECT value FROM answers").all() as { value: string }[];
  db.close();
  return rows.map(({ value }) => (JSON.parse(value) as { said: string }).said);
}

// The moments are drawn anew in every run; the one that failed is in the test's name of the failure.
test.each([20, 80].map((n) => n + Math.floor(performance.now() % 17)))(
  "killed at its call %i, a run goes on where it stopped: what was stored is not asked again",
  { timeout: 60_000 },
  async (killAt) => {
    const path = join(folder, `${killAt}.sqlite`);
    let kill = (): void => {};
    await using server = await faultyServer({
      answer: (question) => ({ said: question }),
      script: () => {
        if (server.calls.length + 1 === killAt) kill();
        return undefined;
      },
    });
    const first = execa({ reject: false })`node ${script} ${server.url} ${path} ${count}`;
    kill = () => first.kill("SIGKILL");
    const { signal, stdout } = await first;
    expect(signal).toBe("SIGKILL");

    const before = stored(path);
    const printed = stdout.split("\n").filter((line) => questions.includes(line));
    expect(before, "what ask() had returned was stored").toEqual(expect.arrayContaining(printed));
    const callsBefore = server.calls.length;

    const second = await execa`node ${script} ${server.url} ${path} ${count}`;
    expect(second.stdout.split("\n")).toEqual(questions);
    expect(stored(path).toSorted()).toEqual(questions.toSorted());
    const again = server.calls.slice(callsBefore).map(({ question }) => question);
    expect(again.toSorted()).toEqual(
      questions.filter((question) => !before.includes(question)).toSorted(),
    );
  },
);

test.each(["POST /v1/files", "POST /v1/batches", "GET /v1/files/"])(
  "killed at %s, a batch is started once and merged once",
  { timeout: 60_000 },
  async (moment) => {
    const path = join(folder, `batch-${moment.replaceAll(/\W/g, "")}.sqlite`);
    const run = { env: { BATCHES: folder }, reject: false } as const;
    let kill = (): void => {};
    await using server = await faultyServer({
      answer: (question) => ({ said: question }),
      onRequest: (request) => {
        if (request.startsWith(moment)) kill();
      },
    });
    const first = execa(run)`node ${script} ${server.url} ${path} ${count}`;
    kill = () => first.kill("SIGKILL");
    expect((await first).signal).toBe("SIGKILL");
    kill = () => {};
    const second = await execa(run)`node ${script} ${server.url} ${path} ${count}`;
    expect(second.stdout.split("\n")).toEqual(questions);
    expect(stored(path).toSorted()).toEqual(questions.toSorted());
    expect(server.batches.batches).toHaveLength(1);
    expect(server.calls, "nothing was asked online").toEqual([]);
  },
);

test("two processes on one ledger ask every question once", { timeout: 60_000 }, async () => {
  const path = join(folder, "shared.sqlite");
  openLedger(path).close();
  await using server = await faultyServer({ answer: (question) => ({ said: question }) });
  const runs = await Promise.all(
    [1, 2].map(() => execa`node ${script} ${server.url} ${path} ${count}`),
  );
  for (const { stdout } of runs) expect(stdout.split("\n")).toEqual(questions);
  expect(server.calls.map(({ question }) => question).toSorted()).toEqual(questions.toSorted());
});
