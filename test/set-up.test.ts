import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

test("a second run finds everything there within two seconds", async () => {
  await execa({ cwd: root })`${process.execPath} scripts/run.mjs setup`;
  const start = performance.now();
  const { stdout, stderr } = await execa({ cwd: root })`${process.execPath} scripts/run.mjs setup`;
  expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
  expect(performance.now() - start).toBeLessThan(2000);
});

test("an unknown task is named, with those there are", async () => {
  const { exitCode, stderr } = await execa({
    cwd: root,
    reject: false,
  })`${process.execPath} scripts/run.mjs tset`;
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^postgrad: there is no task "tset"; the tasks are .*test/);
});

describe("on a machine that lacks something, one line says what", () => {
  let fresh: string;
  beforeEach(() => {
    fresh = mkdtempSync(join(tmpdir(), "postgrad-set-up-"));
    for (const path of ["scripts", "package.json", "pnpm-workspace.yaml"])
      cpSync(join(root, path), join(fresh, path), {
        recursive: true,
        filter: (source) => !source.includes("node_modules"),
      });
  });
  afterEach(() => rmSync(fresh, { recursive: true, force: true }));

  const setUp = (env: Record<string, string>) =>
    execa({
      cwd: fresh,
      reject: false,
      env,
      extendEnv: false,
    })`${process.execPath} scripts/run.mjs setup`;

  test("npm", async () => {
    const bin = join(fresh, "bin");
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    const { exitCode, stderr } = await setUp({ PATH: bin, HOME: fresh });
    expect(exitCode).toBe(1);
    // The folder of the running Node is on the path as well, and may carry an npm beside it.
    expect(stderr.split("\n").at(-1)).toMatch(
      /^postgrad: (npm was not found; install Node 20 or later together with npm|could not install)/,
    );
  });

  test("the registry", async () => {
    const offline = {
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
      npm_config_cache: join(fresh, "cache"),
    };
    const { exitCode, stderr } = await setUp({
      PATH: process.env["PATH"] ?? "",
      HOME: fresh,
      ...offline,
    });
    expect(exitCode).toBe(1);
    const lines = stderr.split("\n").filter((line) => line.startsWith("postgrad:"));
    expect(lines.at(-1)).toContain(
      "the npm registry cannot be reached: check the network, the proxy settings",
    );
  });

  test("a lock left by a process that died is taken over", async () => {
    mkdirSync(join(fresh, ".toolchain.lock"));
    writeFileSync(join(fresh, ".toolchain.lock/pid"), "4194305");
    const { stderr } = await setUp({
      PATH: process.env["PATH"] ?? "",
      HOME: fresh,
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
      npm_config_cache: join(fresh, "cache"),
    });
    expect(stderr).toContain("bringing");
  });
});
