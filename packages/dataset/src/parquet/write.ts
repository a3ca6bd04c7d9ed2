import { stat } from "node:fs/promises";
import { join } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { fileError } from "../file-error.ts";
import type { RowWriter, Written } from "../row-writer.ts";
import { spoolAt } from "../spool.ts";
import { stageFolder } from "../staged-folder.ts";
import { finalPath, refuseSpecial } from "../staging.ts";
import { openParquetFile } from "./file.ts";
import { columnsOf, type Field, isColumnName, noSight, seeRow, type Sight } from "./shape.ts";

/** Characters of JSON that make a row group: what reading and writing hold in memory. */
export const groupLength = 4 * 2 ** 20;

/**
 * Writes one Parquet file. Its columns are those of all rows, so the rows are set aside on disk until the last has been
 * seen: what a column holds cannot be told from the first thousand.
 */
export async function openParquetWriter(target: string): Promise<RowWriter> {
  await refuseSpecial(await finalPath(target));
  const stage = await stageFolder(target).catch((error: unknown) => {
    throw fileError(error, target);
  });
  const spool = spoolAt(join(stage.path, "rows"));
  const sight = noSight();
  let open = true;

  const write = (row: unknown): Promise<void> | undefined => {
    seeRow(sight, asRow(row, target, spool.rows + 1));
    return spool.add(row as object);
  };

  const close = async (): Promise<Written> => {
    try {
      await spool.end();
      const columns = writableColumns(sight, target);
      const path = join(stage.path, "file");
      const file = await openParquetFile(path, columns);
      for await (const group of spool.groups(groupLength)) await file.add(group);
      await file.finish();
      const { size } = await stat(path);
      await stage.publishFile("file");
      open = false;
      return { path: target, rows: spool.rows, bytes: size };
    } catch (error) {
      await discard();
      throw fileError(error, target);
    }
  };

  const discard = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await spool.abort();
    await stage.discard();
  };

  return { write, close, discard, [Symbol.asyncDispose]: discard };
}

/** A row that can be a row of a table. */
export function asRow(row: unknown, target: string, line: number): object {
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  throw new PostgradError(
    "dataset/not-an-object",
    `${target}:${line}: a row of a table is an object, found ${JSON.stringify(row)?.slice(0, 80) ?? typeof row}`,
  );
}

/** The columns of all rows seen, refused where a table cannot have them. */
export function writableColumns(rows: Sight, target: string): Field[] {
  const columns = columnsOf(rows);
  const bad = columns.find(({ name }) => !isColumnName(name));
  if (bad) {
    throw new PostgradError(
      "dataset/column-name",
      `${target}: ${JSON.stringify(bad.name)} cannot be the name of a column; rename it or write JSONL`,
    );
  }
  if (columns.length === 0 && rows.structs > 0) {
    throw new PostgradError(
      "dataset/no-columns",
      `${target}: no row has a field, so that the table has no column; write JSONL`,
    );
  }
  return columns;
}
