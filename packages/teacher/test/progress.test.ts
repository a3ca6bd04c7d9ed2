import { expect, test } from "vitest";

import { Progress, type TeacherEvent } from "../src/index.ts";

const answered: TeacherEvent = {
  type: "answered",
  agent: "a",
  model: "m",
  cached: false,
  attempts: 1,
  inputTokens: 1000,
  outputTokens: 200,
  cost: 0.01,
};
const cached: TeacherEvent = {
  ...answered,
  cached: true,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0,
};
const failed: TeacherEvent = {
  type: "failed",
  agent: "a",
  model: "m",
  code: "teacher/refused",
  reason: "no",
  inputTokens: 0,
  outputTokens: 0,
  cost: 0,
};

function screen(isTTY: boolean): { isTTY: boolean; text: string; write(text: string): void } {
  return {
    isTTY,
    text: "",
    write(text) {
      this.text += text;
    },
  };
}

test("a terminal sees one line: done, cached, failed, tokens, cost, rate, time left", () => {
  const output = screen(true);
  let now = 0;
  using progress = new Progress({ total: 100, output, now: () => now });
  for (let i = 0; i < 40; i++) progress.onEvent(cached);
  for (let i = 0; i < 19; i++) progress.onEvent(answered);
  now = 10_000;
  progress.onEvent(failed);
  // 20 asked in 10 s; 40 left at 2 a second.
  expect(progress.line).toBe(
    "60/100 · 40 cached · 1 failed · 22.8K tokens · $0.1900 · 2.0/s · 0:20 left",
  );
  progress.end();
  expect(output.text.split("\r\x1b[K").at(-1)).toBe(`${progress.line}\n`);
  expect(output.text.split("\r").length, "not a line for each event").toBeLessThan(5);
});

test("a file sees nothing", () => {
  const output = screen(false);
  {
    using progress = new Progress({ output });
    progress.onEvent(answered);
    progress.onEvent(failed);
  }
  expect(output.text).toBe("");
});

test("a machine gets JSON: what goes wrong as it comes, and counts", () => {
  const output = screen(false);
  {
    using progress = new Progress({ output, json: true, total: 3, now: () => 0 });
    progress.onEvent(answered);
    progress.onEvent(answered);
    progress.onEvent(failed);
  }
  const lines = output.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as TeacherEvent);
  expect(lines.map(({ type }) => type)).toEqual(["progress", "failed", "progress"]);
  expect(lines.at(-1)).toMatchObject({ done: 3, failed: 1, tokens: 2400, cost: 0.02, total: 3 });
});
