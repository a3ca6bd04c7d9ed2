import { stat } from "node:fs/promises";
import { basename } from "node:path";

import type { RecordKind } from "@postgrad/schema";

import type { BadRowOptions } from "./bad-row.ts";
import { checked } from "./checked.ts";
import { formatOf, outputFormatOf } from "./format.ts";
import { type FolderOptions, type FolderWriter, openFolder } from "./hub/folder-writer.ts";
import { openJsonWriter } from "./jsonl-write.ts";
import { openParquetWriter } from "./parquet/write.ts";
import type { Written } from "./row-writer.ts";

/** How rows are written. What concerns folders is ignored for files. */
export interface WriteOptions extends BadRowOptions, FolderOptions {
  /** The split of a row; `train` by default. Files do not keep it. */
  readonly splitOf?: ((row: object) => string) | undefined;
  /** The config of a row; `default` by default. Files do not keep it. */
  readonly configOf?: ((row: object) => string) | undefined;
}

/**
 * Opens a writer whose format is told by the ending of `target`: `.jsonl` and `.json`, each also `.gz` and `.zst`, and
 * `.parquet`. What ends in a slash, is a folder already or has no ending is a folder of the hub's layout.
 */
export async function openWriter(
  target: string,
  options: FolderOptions = {},
): Promise<FolderWriter> {
  if (await isFolderTarget(target)) return openFolder(target, options);
  const format = outputFormatOf(target);
  return format.rows === "parquet" ? openParquetWriter(target) : openJsonWriter(target, format);
}

/**
 * Writes rows to `target`, which changes in one step when all of them are there. With a `kind` each row is checked first.
 *
 * @throws PostgradError `dataset/unknown-format`, `dataset/not-a-file`, `dataset/not-a-folder`, `dataset/foreign-folder`,
 * `dataset/column-name`, `dataset/no-columns`, `dataset/disk-full`, and those of `parseRecord`.
 */
export async function writeRows(
  target: string,
  rows: AsyncIterable<unknown>,
  kind?: RecordKind,
  options: WriteOptions = {},
): Promise<Written> {
  await using writer = await openWriter(target, options);
  const { splitOf, configOf } = options;
  const stream = kind ? checked(kind, { ...options, file: target })(rows) : rows;
  for await (const row of stream) {
    const wait = writer.write(row, splitOf?.(row as object), configOf?.(row as object));
    if (wait) await wait;
  }
  return await writer.close();
}

async function isFolderTarget(target: string): Promise<boolean> {
  if (/[/\\]$/.test(target) || !basename(target).includes(".")) return true;
  const found = await stat(target).catch(() => undefined);
  return found?.isDirectory() === true && formatOf(target) === undefined;
}
