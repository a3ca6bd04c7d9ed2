import { type FileHandle, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { isErrno } from "./file-error.ts";
import { removeStale, stagingName } from "./staging-name.ts";

/** A file that nobody sees until it is published. */
export interface StagedFile {
  /** The hidden file beside the target that is being written. */
  readonly path: string;
  readonly handle: FileHandle;
  /** Makes the bytes durable and gives them the target's name in one step. */
  publish(): Promise<void>;
  /** Removes what was written; the target stays as it was. */
  discard(): Promise<void>;
}

/**
 * Begins a new version of the file `target`. It is written under a hidden name in the same folder and takes the
 * target's name in one rename, so that a reader sees the old file or the new one, whole, whatever kills the writer.
 * What killed writers of the same target left behind on this machine is removed.
 */
export async function stageFile(target: string): Promise<StagedFile> {
  const final = await finalPath(target);
  await removeStale(final);
  const { path, handle } = await openFresh(final);
  const publish = async (): Promise<void> => {
    await handle.sync();
    await handle.close();
    await rename(path, final);
    await syncFolder(dirname(final));
  };
  const discard = async (): Promise<void> => {
    await handle.close().catch(() => undefined); // a handle that is closed already is as good
    await rm(path, { force: true });
  };
  return { path, handle, publish, discard };
}

/** The real path of `target`, whose folder is made where it is missing. A link stays a link: what it points at is written. */
export async function finalPath(target: string): Promise<string> {
  const path = resolve(target);
  await mkdir(dirname(path), { recursive: true });
  try {
    return await realpath(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return join(await realpath(dirname(path)), basename(path));
    throw error;
  }
}

/** Makes renames in a folder durable. Where folders cannot be synced (Windows), the system orders them itself. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

async function openFresh(final: string): Promise<{ path: string; handle: FileHandle }> {
  await refuseSpecial(final);
  for (let n = 0; ; n++) {
    const path = stagingName(final, n);
    try {
      return { path, handle: await open(path, "wx") };
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
    }
  }
}

/** Refuses a target that no file can take the place of. */
export async function refuseSpecial(final: string): Promise<void> {
  const found = await stat(final).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  const what = found.isDirectory() ? "a folder" : "no ordinary file";
  throw new PostgradError("dataset/not-a-file", `${final}: is ${what}; name a file to write to`);
}
