import { mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { PostgradError } from "@postgrad/schema";

import type { Files, RandomAccessFile } from "./files.ts";

/** The files of the disk. */
export const files: Files = {
  async open(folder, name) {
    try {
      return await openFile(join(folder, name));
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw new PostgradError("model/unreadable", `${join(folder, name)} cannot be read`, {
        cause,
        fault: "system",
      });
    }
  },
};

/**
 * Writes `pieces` into a file that appears under its name when it is whole and on the disk. Throws `model/unwritable`
 * where the disk refuses; what was written until then is removed.
 */
export async function writeAtomically(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await using handle = await open(unfinished, "w");
    for await (const piece of pieces) await handle.writeFile(piece);
    await handle.sync();
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true });
    if (cause instanceof PostgradError) throw cause;
    throw new PostgradError("model/unwritable", `${path} cannot be written: ${String(cause)}`, {
      cause,
      fault: "system",
    });
  }
}

async function openFile(path: string): Promise<RandomAccessFile> {
  const real = await realpath(path);
  const handle = await open(real);
  const { size } = await handle.stat();
  return {
    path: real,
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw truncated(real, offset, length);
        done += bytesRead;
      }
      return bytes;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && ["ENOENT", "ENOTDIR"].includes(String(cause.code));

const truncated = (path: string, offset: number, length: number): PostgradError =>
  new PostgradError(
    "model/truncated",
    `${path} ends before the ${length} bytes at ${offset}: the file was cut or is being written; get it again`,
  );
