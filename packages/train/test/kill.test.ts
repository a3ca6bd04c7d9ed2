import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { train, type TrainOptions } from "../src/index.ts";
import { pairRows, writeSmallModel } from "./small.ts";

const rows = pairRows(24);

/** Runs in a process and kills it, without a word, behind `step`. */
async function killedAt(options: TrainOptions, step: number): Promise<void> {
  const program = join(import.meta.dirname, "train-process.ts");
  const child = spawn(process.execPath, [program, JSON.stringify({ options, rows })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (text.includes(`step ${step}\n`)) child.kill("SIGKILL");
  });
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
}

test(
  "a run that is killed twice ends with the weights of an unbroken one",
  { timeout: 60_000 },
  async () => {
    const root = await mkdtemp(join(tmpdir(), "postgrad-kill-"));
    await writeSmallModel(join(root, "model"));
    const whole = {
      model: join(root, "model"),
      out: join(root, "whole"),
      loss: "dpo",
      lr: 0.01,
      batchSize: 4,
      steps: 9,
      saveEvery: 2,
      threads: 1,
    } as const;
    await train(whole, { rows });
    const broken = { ...whole, out: join(root, "broken") };
    await killedAt(broken, 3);
    await killedAt({ ...broken, resume: true }, 7);
    await train({ ...broken, resume: true }, { rows });
    const files = ["model.safetensors", "metrics.jsonl"];
    for (const file of files) {
      const [a, b] = await Promise.all(
        [whole.out, broken.out].map((out) => readFile(join(out, file))),
      );
      expect(a!.equals(b!), file).toBe(true);
    }
    expect((await readdir(broken.out)).filter((name) => name.includes("partial"))).toEqual([]);
  },
);
