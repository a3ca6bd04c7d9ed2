import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import type { StageEvent } from "../src/pipeline/run-stages.ts";
import { postgrad } from "./memory-process.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "postgrad-pipeline-"));
  mkdirSync(join(cwd, "texts"));
  for (let i = 0; i < 6; i++) {
    const paragraphs = Array.from(
      { length: 4 },
      (_, k) =>
        `## Part ${k}\n\n${`Document ${i} says thing ${k} about topic ${i * 7 + k}. `.repeat(20)}\n`,
    );
    writeFileSync(join(cwd, "texts", `${i}.md`), `# Document ${i}\n\n${paragraphs.join("\n")}`);
  }
  writeFileSync(join(cwd, "texts", "copy.md"), readFileSync(join(cwd, "texts", "0.md")));
  writeFileSync(join(cwd, "texts", "picture.txt"), Buffer.from([0, 255, 254, 0, 1]));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

async function run(...argv: string[]): Promise<StageEvent[]> {
  const { code, out, err } = await postgrad(["pipeline", "--seeds", "texts", "--json", ...argv], {
    cwd,
  });
  expect({ code, err: err.startsWith("postgrad:") ? err : "" }).toEqual({ code: 0, err: "" });
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as StageEvent);
}
const states = (events: readonly StageEvent[]) =>
  events.map(({ stage, state }) => `${stage} ${state}`);

test("turns a folder of documents into passages, split by document", async () => {
  const [seeds, passages, split] = await run();
  expect(seeds!.manifest!.counts).toMatchObject({
    in: 7,
    out: 6,
    dropped: { "dataset/duplicate": 1 },
  });
  expect(Object.keys(seeds!.manifest!.counts.dropped)).toHaveLength(2); // the copy, and the file that is no text
  expect(passages!.manifest!.counts.in).toBe(6);
  expect(split!.manifest!.counts.out).toBe(passages!.manifest!.counts.out);
  const { out } = await postgrad(
    ["inspect", "runs/default/stages/split/rows", "--rows", "100", "--json"],
    { cwd },
  );
  expect(out.trim().split("\n")).toHaveLength(split!.manifest!.counts.out);
});

test("a second run does nothing; a changed setting runs what hangs on it; a changed document everything", async () => {
  await run();
  expect(states(await run())).toEqual(["seeds unchanged", "passages unchanged", "split unchanged"]);
  expect(states(await run("--seed", "1", "--plan"))).toEqual([
    "seeds unchanged",
    "passages unchanged",
    "split would run",
  ]);
  expect(states(await run("--seed", "1"))).toEqual([
    "seeds unchanged",
    "passages unchanged",
    "split done",
  ]);
  appendFileSync(join(cwd, "texts", "3.md"), "\nOne more line.\n");
  expect(states(await run("--seed", "1"))).toEqual(["seeds done", "passages done", "split done"]);
  expect(states(await run("--force"))).toEqual(["seeds done", "passages done", "split done"]);
});

test("a stage whose manifest is broken or missing runs again, to the same rows", async () => {
  const rows = async () =>
    (
      await postgrad(["inspect", "runs/default/stages/passages/rows", "--rows", "100", "--json"], {
        cwd,
      })
    ).out;
  await run();
  const before = await rows();
  writeFileSync(join(cwd, "runs/default/stages/passages/stage.json"), '{"schema": "stage/1", "st');
  rmSync(join(cwd, "runs/default/stages/split/stage.json"));
  expect(states(await run())).toEqual(["seeds unchanged", "passages done", "split done"]);
  expect(await rows()).toBe(before);
});

test("a folder that is not there, or without documents, is the user's mistake", async () => {
  mkdirSync(join(cwd, "empty"));
  for (const [folder, message] of [
    ["nowhere", "there is no such file or folder"],
    ["empty", "holds no text document"],
  ]) {
    const { code, err } = await postgrad(["pipeline", "--seeds", folder!], { cwd });
    expect(err).toContain(message);
    expect(code).toBe(2);
  }
});
