import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type Readable, type Transform, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { constants, createGunzip, createGzip, createZstdCompress } from "node:zlib";

import { PostgradError } from "@postgrad/schema";

import { fileError, isErrno } from "./file-error.ts";
import type { Compression } from "./format.ts";
import { unzstd } from "./unzstd.ts";

const chunkBytes = 1 << 18;

/**
 * The bytes of a file, unpacked, in chunks. A chunk is overwritten once the next is asked for: copy what is to stay. Reading
 * stops, and the file is closed, when the consumer stops.
 */
export async function* readBytes(path: string, compression: Compression): AsyncGenerator<Buffer> {
  try {
    yield* compression === "none" ? plainBytes(path) : unpackedBytes(path, compression);
  } catch (error) {
    throw packingError(error, path, compression);
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

/** How bytes are packed. */
export interface Packing {
  readonly compression: Compression;
  /** Of zstd: 3 by default; 1 is three times as fast and packs a little less. */
  readonly level?: number;
}

/** Packs what is written into a file, which it leaves open; errors name `target`. */
export function packInto(handle: FileHandle, packing: Packing, target: string): ByteSink {
  const exit = fileStream(handle);
  const pack = packer(packing);
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

/** Two buffers in turn, so that reading leaves no garbage and the disk works while the rows are parsed. */
async function* plainBytes(path: string): AsyncGenerator<Buffer> {
  const handle = await open(path);
  let [current, other] = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  let reading = handle.read(current);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      [current, other] = [other, current];
      reading = handle.read(current);
      yield other.subarray(0, bytesRead);
    }
  } finally {
    await reading.catch(() => undefined); // of a consumer that has stopped
    await handle.close();
  }
}

async function* unpackedBytes(path: string, compression: Compression): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  try {
    yield* compression === "zstd" ? unzstd(file) : gunzipped(file);
  } finally {
    file.destroy();
  }
}

function gunzipped(file: Readable): AsyncIterable<Buffer> {
  const unpack = createGunzip({ chunkSize: chunkBytes });
  file.on("error", (error) => unpack.destroy(error));
  return file.pipe(unpack);
}

function packer({ compression, level = 3 }: Packing): Transform | undefined {
  if (compression === "gzip") return createGzip({ chunkSize: chunkBytes });
  if (compression === "none") return undefined;
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return createZstdCompress({ chunkSize: chunkBytes, params });
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
