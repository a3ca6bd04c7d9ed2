import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Type } from "typebox";
import { afterEach, beforeEach, expect, test } from "vitest";

import {
  ask,
  askAll,
  Budget,
  cancelBatches,
  collectBatches,
  createRegistry,
  defineAgent,
  type Ledger,
  mergeBatch,
  openLedger,
  openTeacher,
  type OpenTeacher,
  type OpenTeacherOptions,
  submitBatches,
  systemClock,
  writeBatches,
} from "../src/index.ts";
import {
  faultyServer,
  type FaultScript,
  type FaultyServer,
  scripted,
} from "../src/testing/index.ts";

const echo = defineAgent({
  id: "test/echo",
  input: Type.Object({ text: Type.String() }),
  output: Type.Object({ said: Type.String() }),
  prompt: ({ text }) => text,
  parameters: { maxOutputTokens: 100, temperature: 0.5 },
});
const texts = Array.from({ length: 10 }, (_, i) => `question ${i}`);
const inputs = texts.map((text) => ({ text }));

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "batch-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const serve = (script?: FaultScript): Promise<FaultyServer> =>
  faultyServer({ answer: (said) => ({ said }), ...(script && { script }) });

const price = { input: 1, output: 1 };
const open = (
  server: FaultyServer,
  ledger: Ledger,
  options: OpenTeacherOptions = {},
): Promise<OpenTeacher> =>
  openTeacher(`compatible:${server.url}#faulty`, {
    registry: createRegistry({}, { env: { COMPATIBLE_API_KEY: "key-of-nobody" } }),
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    ledger,
    price,
    ...options,
  });

const said = async (teacher: OpenTeacher): Promise<(string | undefined)[]> =>
  Array.fromAsync(askAll(teacher, echo, inputs), ({ value, drop }) => drop?.code ?? value?.said);

test("a batch asks what online calls would ask, and its answers are the ledger's", async () => {
  await using server = await serve();
  using ledger = openLedger(join(folder, "ledger.sqlite"));
  const teacher = await open(server, ledger);
  await ask(teacher, echo, inputs[0]!); // this one is answered already, online
  const online = server.calls[0]!.body;

  const batches = await writeBatches(teacher, echo, inputs, { folder, requests: 4 });
  expect(batches.map(({ requests }) => requests)).toEqual([4, 4, 1]);
  const lines = readFileSync(batches[0]!.file, "utf8")
    .trim()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as { custom_id: string; method: string; url: string; body: typeof online },
    );
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatchObject({
    custom_id: expect.stringMatching(/^[0-9a-f]{64}$/),
    method: "POST",
    url: "/v1/chat/completions",
  });
  const asIfFirst = JSON.parse(
    JSON.stringify(lines[0]!.body).replace(texts[1]!, texts[0]!),
  ) as unknown;
  expect(asIfFirst).toEqual(online);
  for (const file of readdirSync(folder))
    expect(readFileSync(join(folder, file), "latin1")).not.toContain("key-of-nobody");

  await submitBatches(teacher);
  expect(await collectBatches(teacher)).toEqual({ answered: 0, failed: 0, pending: 9 });
  expect(await collectBatches(teacher, { wait: true })).toEqual({
    answered: 9,
    failed: 0,
    pending: 0,
  });
  expect(await said(teacher)).toEqual(texts);
  expect(server.calls).toHaveLength(1);
  // 10 + 5 tokens at a millionth of a dollar, half of it in the batch.
  expect(ledger.spent().cost).toBeCloseTo(15e-6 + 9 * 7.5e-6, 12);
});

test("items that fail in a batch are asked online", async () => {
  await using server = await serve(({ question, earlier }) => {
    if (earlier > 0) return undefined;
    return question === texts[2]
      ? { status: 500 }
      : question === texts[5]
        ? "wrong-schema"
        : undefined;
  });
  using ledger = openLedger(":memory:");
  const teacher = await open(server, ledger);
  await writeBatches(teacher, echo, inputs, { folder });
  await submitBatches(teacher);
  expect(await collectBatches(teacher, { wait: true })).toEqual({
    answered: 8,
    failed: 2,
    pending: 0,
  });
  expect(await said(teacher)).toEqual(texts);
  expect(server.calls.map(({ question }) => question)).toEqual([texts[2], texts[5]]);
});

test("a result that is delivered twice, out of order, cut off or unasked is merged once or not at all", async () => {
  await using server = await serve();
  using ledger = openLedger(":memory:");
  const teacher = await open(server, ledger);
  await writeBatches(teacher, echo, inputs, { folder });
  await submitBatches(teacher);
  const stranger = (line: string): string =>
    line.replace(/"custom_id":"[^"]*"/, `"custom_id":"${"0".repeat(64)}"`);
  server.batches.rewrite = (lines) => [
    ...lines.toReversed(),
    lines[0]!,
    stranger(lines[1]!),
    lines[2]!.slice(0, 40),
  ];
  expect(await collectBatches(teacher, { wait: true })).toEqual({
    answered: 10,
    failed: 0,
    pending: 0,
  });
  expect(ledger.spent().answers).toBe(10);
  expect(await collectBatches(teacher)).toEqual({ answered: 0, failed: 0, pending: 0 });
  expect(await said(teacher)).toEqual(texts);
});

test("a question that is in a batch is not asked online meanwhile, and not written again", async () => {
  await using server = await serve();
  using ledger = openLedger(":memory:");
  const teacher = await open(server, ledger);
  const [batch] = await writeBatches(teacher, echo, inputs, { folder });
  await expect(ask(teacher, echo, inputs[0]!)).rejects.toMatchObject({ code: "teacher/in-batch" });
  expect(await writeBatches(teacher, echo, inputs, { folder })).toEqual([]);
  expect(await cancelBatches(teacher)).toEqual({ answered: 0, failed: 10, pending: 0 });
  expect((await ask(teacher, echo, inputs[0]!)).value.said).toBe(texts[0]);
  expect(batch!.status).toBe("written");
});

test("a batch is started once, also when the word of it was lost", async () => {
  await using server = await serve();
  const path = join(folder, "ledger.sqlite");
  {
    using ledger = openLedger(path);
    // The provider starts the batch; then the connection, and the process with it, are gone.
    let isLost = false;
    const fetch: typeof globalThis.fetch = async (url, init) => {
      const response = await globalThis.fetch(url, init);
      if (init?.method === "POST" && response.url.endsWith("/batches")) isLost = true;
      if (isLost) throw new Error("process ended");
      return response;
    };
    const registry = createRegistry({}, { env: {}, fetch });
    const dying = await open(server, ledger, { registry });
    await writeBatches(dying, echo, inputs, { folder });
    await expect(submitBatches(dying)).rejects.toThrow("process ended");
  }
  expect(server.batches.batches).toHaveLength(1);
  using ledger = openLedger(path);
  const teacher = await open(server, ledger);
  await submitBatches(teacher);
  expect(server.batches.batches).toHaveLength(1);
  expect(await collectBatches(teacher, { wait: true })).toMatchObject({ answered: 10 });
});

test("a batch that expires keeps what it answered", async () => {
  await using server = await serve();
  using ledger = openLedger(":memory:");
  const notices: unknown[] = [];
  const teacher = await open(server, ledger, { onEvent: (event) => notices.push(event) });
  await writeBatches(teacher, echo, inputs, { folder });
  await submitBatches(teacher);
  server.batches.rewrite = (lines) => lines.slice(0, 3);
  await collectBatches(teacher); // the first look; with the second one it is completed
  const [batch] = server.batches.batches;
  Object.defineProperty(batch, "status", {
    get: () => (batch!.output_file_id ? "expired" : "in_progress"),
    set: () => {},
  });
  expect(await collectBatches(teacher, { wait: true })).toEqual({
    answered: 3,
    failed: 7,
    pending: 0,
  });
  expect(notices).toEqual([
    expect.objectContaining({
      type: "notice",
      message: expect.stringContaining("ended as expired"),
    }),
  ]);
  expect(await said(teacher)).toEqual(texts);
});

test("a batch that the user submits is merged from the file that comes back", async () => {
  await using server = await serve();
  using ledger = openLedger(":memory:");
  const teacher = await open(server, ledger);
  const [batch] = await writeBatches(teacher, echo, inputs, { folder });
  const results = readFileSync(batch!.file, "utf8")
    .trim()
    .split("\n")
    .map((line, i) => {
      const { custom_id } = JSON.parse(line) as { custom_id: string };
      const content = JSON.stringify({ said: texts[i] });
      const body = {
        choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
      };
      return JSON.stringify({ custom_id, response: { status_code: 200, body } });
    });
  const file = join(folder, "results.jsonl");
  writeFileSync(file, results.join("\n"));
  await expect(mergeBatch(teacher, "nothing", file)).rejects.toMatchObject({
    code: "teacher/unknown-batch",
  });
  expect(await mergeBatch(teacher, batch!.id, file)).toEqual({
    answered: 10,
    failed: 0,
    pending: 0,
  });
  expect(await said(teacher)).toEqual(texts);
  expect(server.calls).toEqual([]);
});

test("what a batch can take is booked before it is started", async () => {
  await using server = await serve();
  using ledger = openLedger(":memory:");
  const teacher = await open(server, ledger, { budget: new Budget({ tokens: 500 }) });
  await writeBatches(teacher, echo, inputs, { folder });
  await expect(submitBatches(teacher)).rejects.toMatchObject({ code: "teacher/budget" });
  expect(server.batches.batches).toEqual([]);
});

test("a teacher without batches, or without a ledger, says so", async () => {
  using ledger = openLedger(":memory:");
  const model = scripted({ "test/echo": () => ({ said: "" }) });
  const writing = async (options: OpenTeacherOptions): Promise<unknown> =>
    writeBatches(await openTeacher(model, options), echo, inputs, { folder });
  await expect(writing({ ledger })).rejects.toMatchObject({ code: "teacher/no-batch" });
  await expect(writing({})).rejects.toMatchObject({ code: "teacher/no-ledger" });
});
