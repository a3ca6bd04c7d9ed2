// The one door: `npm test`, `npm run pipeline` and the rest come through here. It brings what is missing (a current
// Node, the pinned pnpm, the dependencies) and then runs the task. Plain JavaScript without dependencies, because it
// runs on the host's own Node (20 or later) before anything is installed. Its own words go to stderr only.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

import { setUp } from "./set-up.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = `${root}apps/pipeline/src/cli.ts`;

// turbo's own default, ten tasks at once, would starve the time limits of tests on a small machine.
const cores = `--concurrency=${Math.max(2, availableParallelism())}`;

/** What each task runs once the set-up is done. The user's own arguments come last. */
const tasks = {
  setup: () => undefined,
  postgrad: ({ node }) => [node, cli],
  pipeline: ({ node }) => [node, cli, "pipeline"],
  bench: ({ node }) => [node, `${root}bench/run.ts`],
  "bench:decode": ({ node }) => [node, `${root}bench/decode.bench.ts`],
  "new-package": ({ node }) => [node, `${root}scripts/new-package.ts`],
  test: ({ bin }) => [
    bin("turbo"),
    "run",
    "typecheck",
    "lint",
    "test",
    "build",
    "--continue=dependencies-successful",
    cores,
  ],
  fix: ({ node }) => [node, `${root}scripts/fix.ts`],
};

const [name = "", ...rest] = process.argv.slice(2);
const task = tasks[name];
if (!task) fail(`there is no task "${name}"; the tasks are ${Object.keys(tasks).join(", ")}`, 2);

const tools = await setUp(root).catch((error) => fail(error.message, 1));
const steps = task(tools);
if (steps) process.exitCode = await (name === "test" ? runTests : run)([...steps, ...rest]);

/** Runs with the terminal handed through, unless `read` wants to read along; resolves with the exit code. */
function run([file, ...args], read) {
  // npm moves to the root; the user's relative paths mean the folder that the user stands in.
  const cwd = name === "postgrad" || name === "pipeline" ? (process.env.INIT_CWD ?? root) : root;
  const stdio = read ? ["inherit", "pipe", "inherit"] : "inherit";
  const child = spawn(file, args, { cwd, env: tools.env, stdio });
  if (read) child.stdout.on("data", read);
  // Ctrl-C at a terminal reaches the child by itself: passing it on would make it two. This process only waits.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`cannot start ${file}: ${error.message}`, 1));
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 143)));
  });
}

/** Runs the tests, then says in one last line over all packages "N passed, N failed". */
async function runTests(command) {
  let text = "";
  const code = await run(command, (chunk) => {
    process.stdout.write(chunk);
    text += chunk;
  });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  // oxlint-disable-next-line no-control-regex -- colours, where a tool writes them into a pipe
  for (const [, line] of text.replaceAll(/\u001B\[[0-9;]*m/g, "").matchAll(/\bTests {2}(.*)$/gm)) {
    for (const [, n, word] of line.matchAll(/(\d+) (passed|failed|skipped)/g)) counts[word] += +n;
  }
  // A type error or a lint finding fails no test; the last line must not read like a success all the same.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : "";
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  return code;
}

function fail(message, code) {
  console.error(`postgrad: ${message}`);
  process.exit(code);
}
