import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = `${import.meta.dirname}/..`;

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly description?: string;
  readonly exports?: Record<string, unknown>;
  readonly imports?: Record<string, unknown>;
  readonly publishConfig?: {
    access?: string;
    exports?: Record<string, unknown>;
    imports?: Record<string, unknown>;
  };
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const read = (file: string): Manifest =>
  JSON.parse(readFileSync(`${root}/${file}`, "utf8")) as Manifest;

describe.each(globSync("packages/*/package.json", { cwd: root }))("%s", (file) => {
  const manifest = read(file);

  test("is ready to be published", () => {
    expect(manifest.private).toBeUndefined();
    expect(manifest.license).toBe("Apache-2.0");
    expect(manifest.description).toBeTruthy();
    expect(manifest.publishConfig?.access).toBe("public");
    expect(existsSync(`${root}/${dirname(file)}/README.md`)).toBe(true);
  });

  test("publishes the entries that the workspace has", () => {
    expect(Object.keys(manifest.publishConfig?.exports ?? {})).toEqual(
      Object.keys(manifest.exports ?? {}),
    );
    expect(Object.keys(manifest.publishConfig?.imports ?? {})).toEqual(
      Object.keys(manifest.imports ?? {}),
    );
  });
});

test("the tests that cross packages are run again when any package changes", () => {
  const names = globSync("{packages,apps}/*/package.json", { cwd: root }).map(
    (file) => read(file).name,
  );
  const { devDependencies } = read("test/package.json");
  expect(Object.keys(devDependencies ?? {})).toEqual(expect.arrayContaining(names));
});

test("versions are written once, in the catalog", () => {
  for (const file of globSync(
    "{package.json,{packages,apps}/*/package.json,{bench,docs,examples,scripts,test}/package.json}",
    { cwd: root },
  )) {
    const { dependencies, devDependencies } = read(file);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(["catalog:", "workspace:^"], `${name} in ${file}`).toContain(version);
    }
  }
});

test("every dependency has its line in docs/dependencies.md", () => {
  const { catalog } = parse(readFileSync(`${root}/pnpm-workspace.yaml`, "utf8")) as {
    catalog: Record<string, string>;
  };
  const listed = readFileSync(`${root}/docs/dependencies.md`, "utf8");
  const missing = Object.keys(catalog).filter((name) => !listed.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
