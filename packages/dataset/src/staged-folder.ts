import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { isErrno } from "./file-error.ts";
import { removeStale, stagingName } from "./staging-name.ts";
import { finalPath, syncFolder } from "./staging.ts";

/** A hidden folder beside a target, for what is not seen before it is whole. */
export interface StagedFolder {
  readonly path: string;
  /** Gives the target's name to one durable file of the folder, and removes the rest. */
  publishFile(name: string): Promise<void>;
  /** Puts the whole folder, whose files are durable, in the target's place. */
  publish(): Promise<void>;
  discard(): Promise<void>;
}

/** Begins a new version of `target` in a hidden folder beside it, and finishes or removes what killed writers left. */
export async function stageFolder(target: string): Promise<StagedFolder> {
  await finishSwap(target);
  const final = await finalPath(target);
  await removeStale(final);
  const path = await makeFresh(final);
  const discard = (): Promise<void> => rm(path, { recursive: true, force: true });
  const publishFile = async (name: string): Promise<void> => {
    await rename(join(path, name), final);
    await syncFolder(dirname(final));
    await discard();
  };
  return { path, publishFile, publish: () => swapIn(path, final), discard };
}

/**
 * Finishes the exchange of a folder that a kill broke off: a complete new version lies beside the target under its waiting
 * name. Readers call this where the target is missing, writers always.
 */
export async function finishSwap(target: string): Promise<void> {
  const waiting = waitingName(target);
  if (await isThere(waiting)) await exchange(waiting, target);
}

/**
 * A system has no call to exchange two folders that Node could make, so it takes two renames. The new version is complete
 * and durable before the first: whoever finds the target missing between them puts it in place.
 */
async function swapIn(path: string, final: string): Promise<void> {
  await syncTree(path);
  const waiting = waitingName(final);
  await finishSwap(final);
  await rename(path, waiting);
  await syncFolder(dirname(final));
  await exchange(waiting, final);
}

async function exchange(waiting: string, final: string): Promise<void> {
  const aside = await makeFresh(final);
  const old = join(aside, "old");
  const moved = await tried(rename(final, old), ["ENOENT"]);
  const placed = await tried(rename(waiting, final), ["ENOENT"]);
  // Somebody else placed it first. What was moved aside then was the new version, unless the new one came after that.
  if (moved && !placed) await tried(rename(old, final), ["ENOTEMPTY", "EEXIST"]);
  await syncFolder(dirname(final));
  await rm(aside, { recursive: true, force: true });
}

function waitingName(target: string): string {
  return join(dirname(target), `.${basename(target)}.complete`);
}

async function makeFresh(final: string): Promise<string> {
  for (let n = 0; ; n++) {
    const path = stagingName(final, n);
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
    }
  }
}

/** Whether the step succeeded; it may fail in these ways only. */
async function tried(step: Promise<void>, mayFail: readonly string[]): Promise<boolean> {
  return step.then(
    () => true,
    (error: unknown) => {
      if (mayFail.some((code) => isErrno(error, code))) return false;
      throw error;
    },
  );
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Makes the names in a tree durable, and its files, where whoever wrote them did not. */
async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(inner);
    else await syncFile(inner);
  }
  await syncFolder(path);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  await handle.sync();
  await handle.close();
}
