import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { fileError } from "../file-error.ts";
import { isWithin } from "../root.ts";

/** What a walk meets: an ordinary file, or something that it cannot give, and why. */
export interface Met {
  readonly path: string;
  readonly problem?: PostgradError;
}

/** Where a walk goes. */
export interface WalkOptions {
  /** Real path of the folder that nothing may leave. */
  readonly root: string;
  /** Real path of the folder that is walked: what lies in it is met in its own place, not through links. */
  readonly folder: string;
  /** Names of files and folders that are passed over. */
  readonly ignore: ReadonlySet<string>;
}

/** The files below `path`, ordered by name, folder by folder. Hidden ones, whose names begin with a dot, are passed over. */
export async function* walk(
  path: string,
  options: WalkOptions,
  seen = new Set<string>(),
): AsyncGenerator<Met> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => error);
  if (!Array.isArray(entries)) {
    yield { path, problem: asProblem(entries, path) };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith(".") || options.ignore.has(entry.name)) continue;
    const inner = join(path, entry.name);
    if (entry.isDirectory()) yield* walk(inner, options, seen);
    else if (entry.isSymbolicLink()) yield* follow(inner, options, seen);
    else if (entry.isFile()) yield { path: inner };
    else yield { path: inner, problem: notAFile(inner) };
  }
}

async function* follow(link: string, options: WalkOptions, seen: Set<string>): AsyncGenerator<Met> {
  const real = await realpath(link).catch((error: unknown) => error);
  if (typeof real !== "string") {
    yield { path: link, problem: asProblem(real, link) };
    return;
  }
  if (!isWithin(options.root, real)) {
    const message = `${link}: leads to ${real}, outside the root ${options.root}`;
    yield { path: link, problem: new PostgradError("dataset/outside-root", message) };
    return;
  }
  if (isWithin(options.folder, real) || seen.has(real)) return;
  seen.add(real);
  const found = await stat(real);
  if (found.isDirectory()) yield* walk(link, options, seen);
  else if (found.isFile()) yield { path: link };
  else yield { path: link, problem: notAFile(link) };
}

function notAFile(path: string): PostgradError {
  return new PostgradError("dataset/not-a-file", `${path}: is no ordinary file`);
}

function asProblem(error: unknown, path: string): PostgradError {
  const described = fileError(error, path);
  if (described instanceof PostgradError) return described;
  throw error;
}
