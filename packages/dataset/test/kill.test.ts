import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, renameSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { random } from "@postgrad/schema";
import { describe, expect, test } from "vitest";

import { collect, readPlaced, readRows, writeRows } from "../src/index.ts";
import { freshFolder, stream } from "./folder.ts";

const program = `${import.meta.dirname}/programs/write-forever.ts`;
const kills = 3;

/** Starts a writer, kills it `delay` milliseconds after its first version is complete, returns the last that it completed. */
async function killedAfter(delay: number, target: string, first: number): Promise<number> {
  const child = spawn(process.execPath, [program, target, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => (said += String(chunk)));
  await once(child.stdout, "data");
  await setTimeout(delay);
  child.kill("SIGKILL");
  await once(child, "close");
  return Number(said.trim().split("\n").at(-1));
}

describe.each(["rows.jsonl", "rows.jsonl.zst", "rows.parquet", "folder"])(
  "a writer of %s",
  (name) => {
    test(
      "that is killed at any moment leaves its last complete version",
      { timeout: 120_000 },
      async () => {
        const folder = freshFolder();
        const target = `${folder}/${name}`;
        const delay = random(name);
        let next = 0;
        for (let kill = 0; kill < kills; kill++) {
          const complete = await killedAfter(delay() * 80, target, next);
          const rows = (await collect(readRows(target))) as { v: number; n: number }[];
          const [{ v } = { v: -1 }] = rows;
          // The one that was being published when the kill came may be there already.
          expect([complete, complete + 1]).toContain(v);
          const placed = name === "folder" ? await collect(readPlaced(target)) : [];
          expect(new Set(placed.map(({ split }) => split)).size).toBe(name === "folder" ? 2 : 0);
          const numbers = rows.map((row) => row.n).toSorted((a, b) => a - b);
          expect(numbers).toEqual(Array.from({ length: 200 + (v % 7) * 50 }, (_, n) => n));
          expect(new Set(rows.map((row) => row.v))).toEqual(new Set([v]));
          expect(readdirSync(folder).filter((file) => !file.startsWith("."))).toEqual([name]);
          next = v + 1;
        }
        // The next writer of the target clears away what the killed ones left.
        await writeRows(target, stream([{ v: -1, n: 0 }]));
        expect(readdirSync(folder)).toEqual([name]);
      },
    );
  },
);

test("a folder whose exchange was broken off between its two steps is found by readers and by writers", async () => {
  const folder = freshFolder();
  await writeRows(`${folder}/data`, stream([{ v: 2 }]));
  renameSync(`${folder}/data`, `${folder}/.data.complete`);
  expect(await collect(readRows(`${folder}/data`))).toEqual([{ v: 2 }]);
  expect(readdirSync(folder)).toEqual(["data"]);

  renameSync(`${folder}/data`, `${folder}/.data.complete`);
  await writeRows(`${folder}/data`, stream([{ v: 3 }]));
  expect(await collect(readRows(`${folder}/data`))).toEqual([{ v: 3 }]);
  expect(readdirSync(folder)).toEqual(["data"]);
});
