import { isUtf8 } from "node:buffer";

import { PostgradError } from "@postgrad/schema";

import { readBytes } from "./bytes.ts";
import type { Compression } from "./format.ts";
import { readJsonl } from "./jsonl-read.ts";
import type { RowBlock } from "./row-block.ts";

// Half of what a string can hold: such a file is read whole.
const maxBytes = 256 * 2 ** 20;

/**
 * The rows of a `.json` file: one array of rows, or, as the hub has many, one row a line. An array is read whole, which is
 * why it has a limit of 256 MiB.
 */
export async function* readJson(
  path: string,
  compression: Compression,
  maxLineBytes: number,
): AsyncGenerator<RowBlock> {
  if (!(await startsWithBracket(path, compression))) {
    yield* readJsonl(path, compression, maxLineBytes);
    return;
  }
  const text = await wholeText(path, compression);
  try {
    yield { first: 1, rows: JSON.parse(text) as unknown[] };
  } catch (error) {
    throw new PostgradError(
      "dataset/not-json",
      `${path}: is not JSON: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

async function startsWithBracket(path: string, compression: Compression): Promise<boolean> {
  for await (const chunk of readBytes(path, compression)) {
    const text = chunk
      .toString("latin1")
      .replace(/^\u00EF\u00BB\u00BF/, "")
      .trimStart();
    if (text !== "") return text.startsWith("[");
  }
  return false;
}

async function wholeText(path: string, compression: Compression): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readBytes(path, compression)) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new PostgradError(
        "dataset/too-large",
        `${path}: a JSON array of more than ${maxBytes} bytes; write it as JSONL, which is read row by row`,
      );
    }
    chunks.push(Buffer.from(chunk));
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) {
    throw new PostgradError("dataset/not-utf8", `${path}: is not valid UTF-8; convert the file`);
  }
  return bytes.toString().replace(/^\uFEFF/, "");
}
