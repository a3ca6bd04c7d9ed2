import { PostgradError } from "@postgrad/schema";

import { packInto } from "./bytes.ts";
import { fileError } from "./file-error.ts";
import type { FileFormat } from "./format.ts";
import type { RowWriter, Written } from "./row-writer.ts";
import { stageFile } from "./staging.ts";

// Rows are joined to pieces of about this many characters before they are encoded.
const pieceLength = 1 << 18;

/** Writes one JSON value a line, or for `json` one array with a row a line. */
export async function openJsonWriter(target: string, format: FileFormat): Promise<RowWriter> {
  const [open, between, end] = format.rows === "json" ? ["[\n", ",\n", "\n]\n"] : ["", "\n", "\n"];
  const file = await stageFile(target).catch((error: unknown) => {
    throw fileError(error, target);
  });
  const sink = packInto(file.handle, format, target);
  let piece = open;
  let rows = 0;
  let closed = false;

  const flush = (): Promise<void> | undefined => {
    const bytes = Buffer.from(piece);
    piece = "";
    return sink.write(bytes);
  };

  const write = (row: unknown): Promise<void> | undefined => {
    const text = JSON.stringify(row);
    if (text === undefined) throw notJson(target, rows + 1, row);
    piece += rows === 0 ? text : between + text;
    rows += 1;
    return piece.length < pieceLength ? undefined : flush();
  };

  const close = async (): Promise<Written> => {
    try {
      if (rows > 0 || format.rows === "json") piece += end;
      await flush();
      await sink.end();
      const { size } = await file.handle.stat();
      await file.publish();
      closed = true;
      return { path: target, rows, bytes: size };
    } catch (error) {
      await discard();
      throw fileError(error, target);
    }
  };

  const discard = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await sink.destroy();
    await file.discard();
  };

  return { write, close, discard, [Symbol.asyncDispose]: discard };
}

function notJson(target: string, row: number, value: unknown): PostgradError {
  return new PostgradError(
    "dataset/not-json",
    `${target}:${row}: ${typeof value} has no JSON; write an object`,
  );
}
