import type { Drop } from "@postgrad/schema";

import { dropOf } from "./bad-row.ts";
import { contentId } from "./content-id.ts";
import { KeySet } from "./key-set.ts";
import type { Transform } from "./stream.ts";

/** What `dedup` may be told. */
export interface DedupOptions<Row> {
  /** What makes two rows the same: 32 hexadecimal digits. Default: the content id, which leaves `meta` out of account. */
  readonly by?: (row: Row) => string;
  /** Receives each row that repeats an earlier one. */
  readonly onDrop?: ((drop: Drop) => void | Promise<void>) | undefined;
}

/** Lets each row pass once, the first time. Memory grows by 21 to 43 bytes for each row that passes. */
export function dedup<Row extends object>({
  by = contentId,
  onDrop,
}: DedupOptions<Row> = {}): Transform<Row> {
  return async function* (rows) {
    const seen = new KeySet();
    for await (const row of rows) {
      const key = by(row);
      if (seen.add(key)) yield row;
      else
        await onDrop?.(dropOf("dataset/duplicate", `the same as an earlier row (${key})`, { row }));
    }
  };
}
