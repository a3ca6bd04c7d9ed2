import { type FileHandle, open } from "node:fs/promises";

import { type Place, placePrefix, PostgradError } from "@postgrad/schema";
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from "hyparquet";

import { fileError } from "../file-error.ts";
import { type RowBlock, UnreadableRow } from "../row-block.ts";
import { decompressors } from "./compressors.ts";
import { decodeStruct, type NotedPlace, placesOf } from "./decode.ts";
import { type Notes, notesKey } from "./schema.ts";

/**
 * The rows of a Parquet file, a row group at a time: memory holds one group. Values come as JSON has them (see `decode`).
 *
 * @throws PostgradError `dataset/broken-parquet` where the file is cut short or damaged.
 */
export async function* readParquet(path: string): AsyncGenerator<RowBlock> {
  const handle = await opened(path);
  try {
    const file = await bufferOf(handle);
    const metadata = await metadataOf(file, path);
    const places = placesOf(notesOf(metadata));
    let start = 0;
    for (const [i, group] of metadata.row_groups.entries()) {
      const end = start + Number(group.num_rows);
      const rows = await rowsOf(file, metadata, start, end).catch((error: unknown) => {
        throw broken(path, `row group ${i + 1} of ${metadata.row_groups.length}`, error);
      });
      yield {
        first: start + 1,
        rows: rows.map((row, r) => decoded(row, places, { file: path, line: start + r + 1 })),
      };
      start = end;
    }
  } finally {
    await handle.close();
  }
}

/** What the footer of a Parquet file says. */
export async function parquetMetadata(path: string): Promise<FileMetaData> {
  const handle = await opened(path);
  try {
    return await metadataOf(await bufferOf(handle), path);
  } finally {
    await handle.close();
  }
}

function opened(path: string): Promise<FileHandle> {
  return open(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
}

function rowsOf(
  file: AsyncBuffer,
  metadata: FileMetaData,
  rowStart: number,
  rowEnd: number,
): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({
    file,
    metadata,
    rowStart,
    rowEnd,
    compressors: decompressors,
    utf8: false,
  });
}

/** A file handle as hyparquet reads from it. */
async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(
          bytes,
          filled,
          bytes.length - filled,
          start + filled,
        );
        if (bytesRead === 0) throw new Error("the file ends before its own end");
        filled += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

async function metadataOf(file: AsyncBuffer, path: string): Promise<FileMetaData> {
  if (file.byteLength === 0) {
    throw new PostgradError("dataset/empty", `${path}: is empty; is it the file that was meant?`);
  }
  const start = await file.slice(0, 4);
  const end = await file.slice(Math.max(0, file.byteLength - 4));
  if (magicOf(start) !== "PAR1") {
    throw new PostgradError(
      "dataset/broken-parquet",
      `${path}: is no Parquet file: it does not begin with "PAR1"`,
    );
  }
  if (magicOf(end) !== "PAR1" || file.byteLength < 12) {
    throw new PostgradError(
      "dataset/broken-parquet",
      `${path}: is cut short: a Parquet file ends with "PAR1", this one after ${file.byteLength} bytes without it; fetch or write it again`,
    );
  }
  try {
    return await parquetMetadataAsync(file);
  } catch (error) {
    throw broken(path, "its footer", error);
  }
}

const magicOf = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("latin1");

function notesOf(metadata: FileMetaData): Notes {
  const value = metadata.key_value_metadata?.find(({ key }) => key === notesKey)?.value;
  const notes = value === undefined ? {} : (JSON.parse(value) as Partial<Notes>);
  return { json: notes.json ?? [], nulls: notes.nulls ?? [] };
}

function decoded(row: object, places: NotedPlace, place: Place): unknown {
  try {
    return decodeStruct(row, places);
  } catch (error) {
    if (!(error instanceof PostgradError)) throw error;
    return new UnreadableRow(
      new PostgradError(error.code, placePrefix(place) + error.message, { cause: error }),
    );
  }
}

function broken(path: string, what: string, error: unknown): PostgradError {
  return new PostgradError(
    "dataset/broken-parquet",
    `${path}: ${what} cannot be read (${(error as Error).message}); the file is damaged: fetch or write it again`,
    { cause: error },
  );
}
