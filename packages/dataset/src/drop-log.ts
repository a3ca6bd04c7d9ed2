import type { Drop } from "@postgrad/schema";

import type { RowWriter } from "./row-writer.ts";
import { openWriter } from "./write-rows.ts";

/** A side file of the rows that left a stream. */
export interface DropLog {
  /** How many rows it has taken. */
  readonly count: number;
  /** Takes one row: hand this to a step's `onDrop`. */
  readonly add: (drop: Drop) => Promise<void>;
  /** Publishes the file; where nothing was dropped there is none. */
  close(): Promise<void>;
  /** Throws away what was not closed. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A side file at `target`, made when the first row comes; its format is told by its ending. */
export function dropLog(target: string): DropLog {
  let writer: Promise<RowWriter> | undefined;
  let count = 0;
  return {
    get count() {
      return count;
    },
    add: async (drop) => {
      count += 1;
      writer ??= openWriter(target);
      await (await writer).write(drop);
    },
    close: async () => {
      await (await writer)?.close();
    },
    [Symbol.asyncDispose]: async () => {
      await (await writer)?.discard();
    },
  };
}
