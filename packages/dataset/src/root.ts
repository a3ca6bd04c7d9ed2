import { realpath } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { fileError } from "./file-error.ts";

/**
 * The real path of `path`, which must exist and, where a root is given, lie in it: `..` and links out of it are refused.
 *
 * @throws PostgradError `dataset/missing`, `dataset/outside-root`
 */
export async function realPathWithin(path: string, root?: string): Promise<string> {
  const real = await realpath(resolve(path)).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (root === undefined) return real;
  const realRoot = await realpath(resolve(root)).catch((error: unknown) => {
    throw fileError(error, root);
  });
  if (isWithin(realRoot, real)) return real;
  throw new PostgradError(
    "dataset/outside-root",
    `${path}: leads to ${real}, outside the root ${root}; move it below the root or name another root`,
  );
}

/** Tells whether `path` is `root` or lies below it. Both are real paths: links resolved. */
export function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
