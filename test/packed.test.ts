import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const outside = mkdtempSync(join(tmpdir(), "postgrad-consumer-"));
afterAll(() => rmSync(outside, { recursive: true, force: true }));

interface Manifest {
  readonly name: string;
  readonly exports: Record<string, unknown>;
}

const manifests = globSync("{packages,apps}/*/package.json", { cwd: root })
  .map((file) => ({
    folder: join(root, file, ".."),
    manifest: JSON.parse(readFileSync(join(root, file), "utf8")) as Manifest & {
      private?: boolean;
    },
  }))
  .filter(({ manifest }) => !manifest.private);

/** Every entry that a consumer can import; the suites of `testing` entries need a test runner and are left to it. */
const entries = manifests.flatMap(({ manifest: { name, exports } }) =>
  Object.keys(exports)
    .filter((entry) => !entry.includes("*") && entry !== "./testing")
    .map((entry) => join(name, entry)),
);

// What a user does: plain npm, an empty folder outside the workspace, the packed files.
beforeAll(async () => {
  // Within `npm test` the builds have run before this; alone, they are brought up to date here.
  if (!process.env["TURBO_HASH"]) await execa({ cwd: root, preferLocal: true })`turbo run build`;
  const tarballs = await Promise.all(
    manifests.map(async ({ folder }) => {
      const { stdout } = await execa({
        cwd: folder,
        preferLocal: true,
        localDir: root,
      })`pnpm pack --json --pack-destination ${outside}`;
      return (JSON.parse(stdout) as { filename: string }).filename;
    }),
  );
  const overrides = Object.fromEntries(
    manifests.map(({ manifest: { name } }, i) => [name, `file:${tarballs[i]!}`]),
  );
  writeFileSync(
    join(outside, "package.json"),
    JSON.stringify({ type: "module", dependencies: overrides, overrides }),
  );
  const code = entries.map(
    (entry, i) =>
      `import * as entry${i} from "${entry}";\nconsole.log("${entry}", Object.keys(entry${i}).length > 0);`,
  );
  writeFileSync(join(outside, "consumer.ts"), `${code.join("\n")}\n`);
  const compilerOptions = {
    module: "nodenext",
    target: "es2024",
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(
    join(outside, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["consumer.ts"] }),
  );
  await execa({
    cwd: outside,
    env: { ONNXRUNTIME_NODE_INSTALL: "skip" },
  })`npm install --ignore-scripts --no-audit --no-fund --loglevel=error`;
}, 480_000);

test("the packed packages type-check in a consumer's folder", async () => {
  const { stdout, exitCode } = await execa({
    cwd: outside,
    preferLocal: true,
    localDir: root,
    reject: false,
  })`tsc -p tsconfig.json`;
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
}, 240_000);

test("every entry can be imported and gives something", async () => {
  const { stdout } = await execa({ cwd: outside })`node consumer.ts`;
  expect(stdout.split("\n")).toEqual(entries.map((entry) => `${entry} true`));
}, 240_000);

test("the command runs as it is installed", async () => {
  const { stdout } = await execa({ cwd: outside })`npx --no-install postgrad --help`;
  expect(stdout).toContain("postgrad COMMAND --help");
}, 240_000);
