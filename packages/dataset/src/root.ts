import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { fileError, isErrno } from "./file-error.ts";
import { finishSwap } from "./staged-folder.ts";

/**
 * The real path of `path`, which must exist and, where a root is given, lie in it: `..` and links out of it are refused.
 *
 * @throws PostgradError `dataset/missing`, `dataset/outside-root`
 */
export async function realPathWithin(path: string, root?: string): Promise<string> {
  const realRoot = root === undefined ? undefined : await realOf(root);
  const folder = await realOf(dirname(resolve(path)), path);
  if (realRoot !== undefined && !isWithin(realRoot, folder) && resolve(path) !== resolve(root!)) {
    throw outside(path, folder, root!);
  }
  const real = await realpath(resolve(path)).catch(async (error: unknown) => {
    // It may be a folder whose new version a killed writer left complete, but not in its place.
    if (isErrno(error, "ENOENT")) await finishSwap(resolve(path));
    return realOf(path);
  });
  if (realRoot !== undefined && !isWithin(realRoot, real)) throw outside(path, real, root!);
  return real;
}

/** Tells whether `path` is `root` or lies below it. Both are real paths: links resolved. */
export function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function realOf(path: string, shown = path): Promise<string> {
  return realpath(resolve(path)).catch((error: unknown) => {
    throw fileError(error, shown);
  });
}

function outside(path: string, real: string, root: string): PostgradError {
  return new PostgradError(
    "dataset/outside-root",
    `${path}: leads to ${real}, outside the root ${root}; move it below the root or name another root`,
  );
}
