// Brings what a fresh machine lacks, from the npm registry alone: a current Node where the host's is too old, the pinned
// pnpm, the dependencies. Runs on the host's Node; a second run sees from one stamp that there is nothing to do.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";

const currentNode = { version: "24.21.0", from: 24 }; // the LTS line developed on; a host's Node from 24 on is used as it is
const oldestNode = 20; // what can still run this script

/** No telemetry, and no download from anywhere but the registry. */
const quiet = {
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  DO_NOT_TRACK: "1",
  ONNXRUNTIME_NODE_INSTALL: "skip",
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
  NODE_LLAMA_CPP_SKIP_DOWNLOAD: "true",
};

/** Returns the paths and the environment that tasks run with, after installing what is missing below `root`. */
export async function setUp(root) {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < oldestNode)
    throw new Error(
      `Node ${process.versions.node} is too old; Node ${oldestNode} or later is needed to start`,
    );
  const toolchain = join(root, ".toolchain");
  const tools = major >= currentNode.from ? {} : { node: currentNode.version };
  tools.pnpm = pinnedPnpm(root);
  const bins = join(toolchain, "node_modules", ".bin");
  const node = tools.node ? join(bins, "node") : process.execPath;
  const env = { ...process.env, ...quiet };
  env.PATH = [bins, join(root, "node_modules", ".bin"), dirname(node), process.env.PATH].join(
    delimiter,
  );

  const stamp = join(root, "node_modules", ".postgrad-set-up");
  const wanted = fingerprint(root);
  const isReady = () =>
    hasToolchain(toolchain, tools) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
  if (!isReady()) {
    await alone(join(root, ".toolchain.lock"), () => {
      if (isReady()) return; // another process did it while this one waited
      bringToolchain(toolchain, tools, env);
      bringDependencies(root, join(bins, "pnpm"), env);
      writeFileSync(stamp, fingerprint(root)); // the lock file may have been brought up to date
    });
  }
  return { node, env, bin: (name) => join(root, "node_modules", ".bin", name) };
}

function pinnedPnpm(root) {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return packageManager.replace("pnpm@", "");
}

/** Changes when anything does that decides what is installed. */
function fingerprint(root) {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}`);
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"];
  for (const folder of ["packages", "apps"]) {
    if (existsSync(join(root, folder)))
      files.push(
        ...readdirSync(join(root, folder)).map((name) => join(folder, name, "package.json")),
      );
  }
  files.push(
    ...["bench", "docs", "examples", "scripts", "test"].map((name) => join(name, "package.json")),
  );
  for (const file of files.filter((name) => existsSync(join(root, name))).toSorted()) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

function hasToolchain(folder, tools) {
  return Object.entries(tools).every(([name, version]) => {
    const manifest = join(folder, "node_modules", name, "package.json");
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === version;
  });
}

function bringToolchain(folder, tools, env) {
  if (hasToolchain(folder, tools)) return;
  const names = Object.entries(tools)
    .map(([name, version]) => `${name} ${version}`)
    .join(" and ");
  say(`bringing ${names} (once, into .toolchain)`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The two packages put their binary in place by a script of their own, which newer npm runs only where it is allowed.
  const allowScripts = Object.fromEntries(Object.keys(tools).map((name) => [name, true]));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, dependencies: tools, allowScripts }),
  );
  const args = [
    "install",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--ignore-scripts=false",
    "--loglevel=error",
  ];
  check(
    spawnSync("npm", args, {
      cwd: folder,
      env,
      encoding: "utf8",
      shell: process.platform === "win32",
    }),
    "npm",
    names,
  );
}

function bringDependencies(root, pnpm, env) {
  say("installing the dependencies (once)");
  const frozen = process.env.CI ? "--frozen-lockfile" : "--prefer-frozen-lockfile";
  const args = ["install", frozen, "--reporter=append-only", "--config.confirmModulesPurge=false"];
  check(spawnSync(pnpm, args, { cwd: root, env, encoding: "utf8" }), "pnpm", "the dependencies");
}

/** Throws one line that says what is missing and what to do about it. */
function check({ error, status, stdout, stderr }, tool, wanted) {
  if (error?.code === "ENOENT")
    throw new Error(`${tool} was not found; install Node ${oldestNode} or later together with npm`);
  if (error) throw new Error(`${tool} did not start: ${error.message}`);
  if (status === 0) return;
  const output = `${stderr}\n${stdout}`;
  const line =
    output.split("\n").find((text) => /\b(ERR_|E[A-Z]{4,}|ERROR|error)\b/.test(text)) ??
    output.trim().split("\n").at(-1);
  const isOffline = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ECONNRESET|META_FETCH_FAIL/.test(
    output,
  );
  const remedy = isOffline
    ? "the npm registry cannot be reached: check the network, the proxy settings and `npm config get registry`"
    : /ENOSPC/.test(output)
      ? "the disk is full"
      : `${tool} ended with code ${status}`;
  throw new Error(`could not install ${wanted}: ${remedy} (${line?.trim()})`);
}

/** Runs `work` in one process at a time; a lock left by a process that has died is taken over. */
async function alone(lock, work) {
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST")
        throw new Error(`cannot write to ${dirname(lock)}: ${error.message}`, { cause: error });
      if (isStale(lock)) rmSync(lock, { recursive: true, force: true });
      else if (waited === 0) say("waiting for another set-up in this folder to finish");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    writeFileSync(join(lock, "pid"), String(process.pid));
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isStale(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    if (error.code === "EPERM") return false; // alive, and somebody else's
    // Without a readable pid the owner has died between two lines of alone(), unless it is just now between them.
    return (
      error.code === "ESRCH" ||
      Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) > 5000
    );
  }
}

function say(text) {
  console.error(`postgrad: ${text}`);
}
