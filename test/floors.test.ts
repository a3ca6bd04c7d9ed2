import { globSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";

import { expect, test } from "vitest";

const root = `${import.meta.dirname}/..`;

/** Read downwards: a folder may use the floors above its own line, never its own line or one below. */
const floors = [
  ["schema"],
  ["dataset", "teacher", "metrics", "model"],
  ["synthesis", "translation", "strategy", "preference", "train", "skipdecode"],
  ["evaluate"],
  ["lab"],
  ["pipeline", "playground"],
];

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const floorOf = (folder: string): number => floors.findIndex((floor) => floor.includes(folder));

for (const file of globSync("{packages,apps}/*/package.json", { cwd: root })) {
  const folder = basename(dirname(file));
  const manifest = JSON.parse(readFileSync(`${root}/${file}`, "utf8")) as Manifest;
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;

  test(`${folder} stands on lower floors only`, () => {
    const used = Object.keys({
      ...dependencies,
      ...devDependencies,
      ...peerDependencies,
      ...optionalDependencies,
    })
      .filter((name) => name.startsWith("@postgrad/"))
      .map((name) => name.replace("@postgrad/", ""));
    expect(floorOf(folder), "every package has a floor").not.toBe(-1);
    expect(used.filter((other) => floorOf(other) >= floorOf(folder))).toEqual([]);
  });

  test(`${folder} reaches into no other package's folder`, () => {
    for (const source of globSync(`${dirname(file)}/{src,test}/**/*.ts`, { cwd: root })) {
      const text = readFileSync(`${root}/${source}`, "utf8");
      const paths = [...text.matchAll(/from "((?:\.\.?\/)[^"]*)"/g)].map(([, path]) => path!);
      const outside = paths
        .filter((path) => !`${root}/${dirname(source)}/${path}`.includes("/fixtures/"))
        .map((path) => new URL(path, `file:///${source}`).pathname.slice(1))
        .filter((path) => !path.startsWith(`${dirname(file)}/`));
      expect(outside, source).toEqual([]);
    }
  });
}
