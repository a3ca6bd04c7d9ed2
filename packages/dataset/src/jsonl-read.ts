import { PostgradError, placePrefix } from "@postgrad/schema";

import { readBytes } from "./bytes.ts";
import type { Compression } from "./format.ts";
import { lineBlocks } from "./lines.ts";
import { type RowBlock, UnreadableRow } from "./row-block.ts";

/** The rows of a file with one JSON value a line. Blank lines are passed over; a line that is no JSON comes as unreadable. */
export async function* readJsonl(
  path: string,
  compression: Compression,
  maxLineBytes: number,
): AsyncGenerator<RowBlock> {
  const blocks = lineBlocks(readBytes(path, compression), path, maxLineBytes);
  for await (const { first, lines } of blocks) {
    yield { first, rows: lines.map((line, i) => valueOf(line, path, first + i)) };
  }
}

function valueOf(line: string | PostgradError, file: string, number: number): unknown {
  if (typeof line !== "string") return new UnreadableRow(line);
  try {
    return JSON.parse(line);
  } catch (error) {
    if (line.trim() === "") return undefined;
    const reason = (error as SyntaxError).message;
    return new UnreadableRow(
      new PostgradError(
        "dataset/not-json",
        `${placePrefix({ file, line: number })}is not JSON: ${reason}`,
        { cause: error },
      ),
      line,
    );
  }
}
