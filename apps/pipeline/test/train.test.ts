import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { commands } from "../src/commands.ts";
import { main } from "../src/main.ts";
import type { Output } from "../src/output.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";

/** Runs a command line in `cwd`: its exit code, and all that it said. */
async function run(cwd: string, ...argv: string[]): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const output: Output = {
    json: true,
    isLive: false,
    result: (value) => void lines.push(JSON.stringify(value)),
    write: (text) => void lines.push(text),
    note: (text) => void lines.push(text),
  };
  const signal = new AbortController().signal;
  const code = await main(commands, ["train", ...argv], { cwd, output: () => output, signal });
  return { code, said: lines.join("\n") };
}

test("trains from flags and a file of settings, goes on, previews, and refuses the wrong option", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "postgrad-cli-train-"));
  await writeTinyCheckpoint(cwd);
  const pair = { prompt_ids: [4, 5, 6], chosen_ids: [7, 7, 2], rejected_ids: [9, 2] };
  writeFileSync(join(cwd, "pairs.jsonl"), `${JSON.stringify(pair)}\n`.repeat(4));
  writeFileSync(
    join(cwd, "settings.json"),
    JSON.stringify({ loss: "dpo", lr: 0.01, schedule: "constant", steps: 3 }),
  );
  const common = [
    "--model",
    cwd,
    "--data",
    "pairs.jsonl",
    "--config",
    "settings.json",
    "--out",
    "out",
    "--threads",
    "1",
  ];
  const trained = await run(cwd, ...common, "--no-shuffle", "--batch-size", "2", "--steps", "2");
  expect(trained.said).toContain("4 rows; steps 0 to 2");
  expect(trained.code).toBe(0);
  const [first, second] = readFileSync(join(cwd, "out/metrics.jsonl"), "utf8").trim().split("\n");
  expect(JSON.parse(first!)).toMatchObject({ step: 1, learning_rate: 0.01 });
  expect(JSON.parse(second!)).toMatchObject({ step: 2 });
  expect((await run(cwd, ...common, "--resume")).said).toContain("comes from another run");
  expect((await run(cwd, ...common, "--delta", "2")).said).toContain(
    'the loss \\"dpo\\" has no delta (found 2)',
  );
  expect((await run(cwd, ...common, "--preview", "1")).said).toContain("4 5 6 [7 7 2]");
  expect((await run(cwd, "--model", cwd)).said).toContain("--out is missing");
});
