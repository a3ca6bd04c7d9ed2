import type { Place, RawRow, RecordKind } from "@postgrad/schema";
import type { Static, TObject } from "typebox";

import { type BadRowOptions, refuseRow } from "./bad-row.ts";
import { checkRow } from "./check-row.ts";
import type { DataFile } from "./data-files.ts";
import { UnreadableRow } from "./row-block.ts";
import { sourceBlocks, type SourceOptions } from "./source-blocks.ts";

/** How rows are read. */
export interface ReadOptions extends SourceOptions, BadRowOptions {}

/** A row with the place that it has in its data set. */
export interface PlacedRow<Row = RawRow> {
  readonly row: Row;
  readonly config: string;
  readonly split: string;
}

/**
 * Reads rows one at a time, in the order of the files. The format is told by the ending: `.jsonl`, `.ndjson`, `.json`,
 * each also `.gz` and `.zst`, and `.parquet`; a folder is a data set as the hub has them.
 *
 * With a `kind` every row is brought up to its current version and checked; the nulls of other tools' rows, which write
 * one where a field is missing, are left out. Without it rows that carry a tag of ours are checked as what they say they
 * are, and all others come as they are.
 *
 * @throws PostgradError with the file and the line: `dataset/missing`, `dataset/empty`, `dataset/not-json`,
 * `dataset/not-utf8`, `dataset/line-too-long`, `dataset/broken-compression`, `dataset/broken-parquet`,
 * `dataset/unsafe-integer`, `dataset/outside-root`, `dataset/no-such-split`, and those of `parseRecord`.
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
export function readRows(
  source: string | readonly string[],
  kind?: RecordKind,
  options: ReadOptions = {},
): AsyncGenerator<RawRow, void, undefined> {
  return rowsOf(source, kind, options, (row) => row);
}

/** Reads rows as `readRows` does, each with the config and the split that it comes from. */
export function readPlaced(
  source: string | readonly string[],
  kind?: RecordKind,
  options: ReadOptions = {},
): AsyncGenerator<PlacedRow, void, undefined> {
  return rowsOf(source, kind, options, (row, { config, split }) => ({ row, config, split }));
}

async function* rowsOf<Out>(
  source: string | readonly string[],
  kind: RecordKind | undefined,
  options: ReadOptions,
  give: (row: RawRow, file: DataFile) => Out,
): AsyncGenerator<Out, void, undefined> {
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
      yield give(row, file);
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
