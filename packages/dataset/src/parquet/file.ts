import { open } from "node:fs/promises";

import type { RawRow } from "@postgrad/schema";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";

import { zstd } from "./compressors.ts";
import { encoderOf } from "./encode.ts";
import { notesKey, notesOn, schemaElements } from "./schema.ts";
import type { Field } from "./shape.ts";

/** A Parquet file that is being written, a row group at a time. */
export interface ParquetFile {
  /** Bytes written so far. */
  readonly bytes: number;
  /** The same before packing. */
  readonly unpackedBytes: number;
  readonly rows: number;
  /** Adds one row group. */
  add(rows: readonly RawRow[]): Promise<void>;
  /** Writes the footer, makes the file durable and closes it. */
  finish(): Promise<void>;
}

/** Begins a Parquet file at `path`, which must not be there, packed with zstd. */
export async function openParquetFile(
  path: string,
  columns: readonly Field[],
): Promise<ParquetFile> {
  const handle = await open(path, "wx");
  const buffer = new ByteWriter();
  const notes = notesOn(columns);
  const noted = notes.json.length + notes.nulls.length > 0;
  const file = new ParquetWriter({
    writer: buffer,
    schema: schemaElements(columns),
    codec: "ZSTD",
    compressors: { ZSTD: zstd },
    createdBy: "postgrad",
    ...(noted ? { kvMetadata: [{ key: notesKey, value: JSON.stringify(notes) }] } : {}),
  });
  const encoders = columns.map(({ name, shape }) => ({ name, encode: encoderOf(shape) }));
  let rows = 0;

  const flush = async (): Promise<void> => {
    await handle.appendFile(buffer.getBytes());
    buffer.index = 0;
  };

  return {
    get bytes() {
      return buffer.offset;
    },
    get unpackedBytes() {
      return Number(file.row_groups.reduce((sum, group) => sum + group.total_byte_size, 0n));
    },
    get rows() {
      return rows;
    },
    add: async (group) => {
      const columnData = encoders.map(({ name, encode }) => ({
        name,
        data: group.map((row) => encode(row[name])),
      }));
      await file.write({ columnData, rowGroupSize: group.length });
      rows += group.length;
      await flush();
    },
    finish: async () => {
      await file.finish();
      await flush();
      await handle.sync();
      await handle.close();
    },
  };
}
