import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";

import { execa } from "execa";
import { expect, test } from "vitest";

const root = `${import.meta.dirname}/..`;

for (const file of globSync("examples/*.ts", { cwd: root })) {
  const name = basename(file, ".ts");
  test(`${file} prints what it printed before`, { timeout: 120_000 }, async () => {
    const { stdout } = await execa({ cwd: `${root}/examples`, preferLocal: true })`tsx ${name}.ts`;
    await expect(`${stdout}\n`).toMatchFileSnapshot(`../examples/output/${name}.txt`);
  });
}

for (const page of globSync("{README.md,docs/*.md,packages/*/README.md}", { cwd: root })) {
  const text = readFileSync(`${root}/${page}`, "utf8");
  for (const [, file = "", code = ""] of text.matchAll(/```ts file=(\S+)\n(.*?)```/gs)) {
    test(`${page} quotes ${file} as it is`, () => {
      expect(readFileSync(`${root}/${file}`, "utf8")).toContain(code);
    });
  }
}
