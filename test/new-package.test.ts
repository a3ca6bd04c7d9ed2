import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { execa } from "execa";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "postgrad-new-package-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const leftOut = new Set(["node_modules", "dist", ".turbo", ".git", "runs", ".toolchain"]);

test("a new package passes everything at once", async () => {
  cpSync(root, scratch, { recursive: true, filter: (source) => !leftOut.has(basename(source)) });
  const run = execa({ cwd: scratch, preferLocal: true, all: true, reject: false });
  const commands = [
    ["pnpm", "install", "--frozen-lockfile", "--prefer-offline"],
    [
      process.execPath,
      "scripts/new-package.ts",
      "scratch-thing",
      "synthesis",
      "Gives nothing yet.",
    ],
    ["tsc"],
    ["oxlint", "--deny-warnings", "packages/scratch-thing"],
    ["oxfmt", "--check", "packages/scratch-thing", "test"],
    ["tsc", "-p", "packages/scratch-thing/tsconfig.build.json"],
    ["vitest", "run", "packages/scratch-thing"],
    ["vitest", "run", "--dir", "test", "floors", "manifests"],
  ];
  for (const [file = "", ...args] of commands) {
    const { exitCode, all } = await run(file, args);
    expect(exitCode, `${file} ${args.join(" ")}\n${all}`).toBe(0);
  }
  expect(existsSync(join(scratch, "packages/scratch-thing/dist/index.d.ts"))).toBe(true);
}, 480_000);
