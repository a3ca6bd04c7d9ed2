import type { Place, RawRow, RecordKind } from "@postgrad/schema";
import type { Static, TObject } from "typebox";

import { type BadRowOptions, refuseRow } from "./bad-row.ts";
import { checkRow } from "./check-row.ts";
import { UnreadableRow } from "./row-block.ts";
import { sourceBlocks, type SourceOptions } from "./source-blocks.ts";

/** How rows are read. */
export interface ReadOptions extends SourceOptions, BadRowOptions {}

/**
 * Reads rows one at a time, in the order of the files. The format is told by the ending: `.jsonl`, `.ndjson`, `.json`,
 * each also `.gz` and `.zst`.
 *
 * With a `kind` every row is brought up to its current version and checked; the nulls of other tools' rows, which write
 * one where a field is missing, are left out. Without it rows that carry a tag of ours are checked as what they say they
 * are, and all others come as they are.
 *
 * @throws PostgradError with the file and the line: `dataset/missing`, `dataset/empty`, `dataset/not-json`,
 * `dataset/not-utf8`, `dataset/line-too-long`, `dataset/broken-compression`, `dataset/outside-root`, and those of `parseRecord`.
 */
export function readRows<Schema extends TObject>(
  source: string | readonly string[],
  kind: RecordKind<Schema>,
  options?: ReadOptions,
): AsyncGenerator<Static<Schema>, void, undefined>;
export function readRows(
  source: string | readonly string[],
  kind?: RecordKind,
  options?: ReadOptions,
): AsyncGenerator<RawRow, void, undefined>;
export async function* readRows(
  source: string | readonly string[],
  kind?: RecordKind,
  options: ReadOptions = {},
): AsyncGenerator<RawRow, void, undefined> {
  for await (const { file, first, rows } of sourceBlocks(source, options)) {
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] === undefined) continue;
      const place = { file: file.path, line: first + i };
      let row: RawRow;
      try {
        row = readable(rows[i], kind, place);
      } catch (error) {
        await refuseRow(error, { ...place, ...remains(rows[i]) }, options);
        continue;
      }
      yield row;
    }
  }
}

function readable(value: unknown, kind: RecordKind | undefined, place: Place): RawRow {
  if (value instanceof UnreadableRow) throw value.error;
  return checkRow(value, kind, place);
}

/** What a drop can show of the row. */
function remains(value: unknown): { row?: unknown } {
  if (!(value instanceof UnreadableRow)) return { row: value };
  return value.text === undefined ? {} : { row: value.text };
}
