import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { type Readable, type Transform, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { createGunzip, createGzip, createZstdCompress } from "node:zlib";

import { PostgradError } from "@postgrad/schema";

import { fileError, isErrno } from "./file-error.ts";
import type { Compression } from "./format.ts";
import { unzstd } from "./unzstd.ts";

const chunkBytes = 1 << 20;

/** The bytes of a file, unpacked, in chunks. Reading stops, and the file is closed, when the consumer stops. */
export async function* readBytes(path: string, compression: Compression): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  try {
    for await (const chunk of unpacked(file, compression)) yield chunk;
  } catch (error) {
    throw packingError(error, path, compression);
  } finally {
    file.destroy();
  }
}

/** A sink of bytes with back-pressure: where `write` returns a promise, wait for it before the next. */
export interface ByteSink {
  write(bytes: Buffer): Promise<void> | undefined;
  /** Resolves when everything has reached the file. */
  end(): Promise<void>;
  /** Stops at once. */
  destroy(): Promise<void>;
}

/** Packs what is written into a file, which it leaves open; errors name `target`. */
export function packInto(handle: FileHandle, compression: Compression, target: string): ByteSink {
  const exit = fileStream(handle);
  const pack = packer(compression);
  const entry = pack ?? exit;
  const packed = pack ? pipeline(pack, exit) : finished(exit);
  const done = packed.catch((error: unknown) => {
    throw fileError(error, target);
  });
  done.catch(() => undefined); // it is reported where it is awaited: by the next write, or by end
  return {
    write: (bytes) => (entry.write(bytes) ? undefined : drained(entry, done)),
    end: async () => {
      entry.end();
      await done;
    },
    destroy: async () => {
      entry.destroy();
      await done.catch(() => undefined);
    },
  };
}

function unpacked(file: Readable, compression: Compression): AsyncIterable<Buffer> {
  if (compression === "none") return file;
  if (compression === "zstd") return unzstd(file);
  const unpack = createGunzip({ chunkSize: 1 << 18 });
  file.on("error", (error) => unpack.destroy(error));
  return file.pipe(unpack);
}

function packer(compression: Compression): Transform | undefined {
  if (compression === "gzip") return createGzip({ chunkSize: 1 << 18 });
  if (compression === "zstd") return createZstdCompress({ chunkSize: 1 << 18 });
  return undefined;
}

/** Node's own stream of a file handle does not finish before the handle is closed; here it is synced first. */
function fileStream(handle: FileHandle): Writable {
  return new Writable({
    highWaterMark: chunkBytes,
    write: (chunk: Buffer, _encoding, done) => {
      handle.appendFile(chunk).then(() => done(), done);
    },
  });
}

/** Resolves when `entry` takes bytes again; rejects where the pipeline broke meanwhile. */
async function drained(entry: Writable, done: Promise<void>): Promise<void> {
  let listener: () => void = () => undefined;
  const drain = new Promise<void>((resolve) => {
    listener = resolve;
    entry.once("drain", resolve);
  });
  try {
    await Promise.race([drain, done]);
  } finally {
    entry.off("drain", listener);
  }
}

function packingError(error: unknown, path: string, compression: Compression): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (isErrno(error, "Z_BUF_ERROR") || /^(ZSTD|Z_|ERR_)/.test(code)) {
    const what = /end of file|Z_BUF_ERROR/.test(`${code} ${(error as Error).message}`)
      ? "is cut short"
      : `is no valid ${compression} file`;
    return new PostgradError(
      "dataset/broken-compression",
      `${path}: ${what} (${(error as Error).message}); fetch or write it again`,
      { cause: error },
    );
  }
  return fileError(error, path);
}
