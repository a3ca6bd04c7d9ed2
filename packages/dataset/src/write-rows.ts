import type { RecordKind } from "@postgrad/schema";

import type { BadRowOptions } from "./bad-row.ts";
import { checked } from "./checked.ts";
import { outputFormatOf } from "./format.ts";
import { openJsonWriter } from "./jsonl-write.ts";
import { openParquetWriter } from "./parquet/write.ts";
import type { RowWriter, Written } from "./row-writer.ts";

/** Opens a writer whose format is told by the ending of `target`: `.jsonl`, `.json`, each also `.gz` and `.zst`,
 * and `.parquet`. */
export async function openWriter(target: string): Promise<RowWriter> {
  const format = outputFormatOf(target);
  return format.rows === "parquet" ? openParquetWriter(target) : openJsonWriter(target, format);
}

/**
 * Writes rows to `target`, which changes in one step when all of them are there. With a `kind` each row is checked first.
 *
 * @throws PostgradError `dataset/unknown-format`, `dataset/not-a-file`, `dataset/disk-full`, and those of `parseRecord`.
 */
export async function writeRows(
  target: string,
  rows: AsyncIterable<unknown>,
  kind?: RecordKind,
  options: BadRowOptions = {},
): Promise<Written> {
  await using writer = await openWriter(target);
  const stream = kind ? checked(kind, { ...options, file: target })(rows) : rows;
  for await (const row of stream) {
    const wait = writer.write(row);
    if (wait) await wait;
  }
  return await writer.close();
}
