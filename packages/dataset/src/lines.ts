import { isAscii, isUtf8 } from "node:buffer";

import { PostgradError, placePrefix } from "@postgrad/schema";

/** Consecutive lines of a file. A line that cannot be read stands as the error that says why. */
export interface LineBlock {
  /** Number of the first line, from 1. */
  readonly first: number;
  readonly lines: readonly (string | PostgradError)[];
}

/**
 * Cuts bytes into lines, a chunk's at a time: what is done for each line bounds the reading of small rows. Line ends are
 * `\n`; a byte order mark at the start is dropped. Lines of more than `maxBytes`, and lines that are no UTF-8, come as errors.
 */
export async function* lineBlocks(
  chunks: AsyncIterable<Buffer>,
  file: string,
  maxBytes: number,
): AsyncGenerator<LineBlock> {
  let first = 1;
  let begun: Buffer[] = []; // the start of a line that goes on in the next chunk
  let begunBytes = 0;
  for await (const chunk of withoutMark(chunks)) {
    const end = chunk.lastIndexOf(newline);
    if (end >= 0) {
      const lines = begunBytes > 0 ? continued(chunk, end) : linesOf(chunk.subarray(0, end), first);
      yield { first, lines };
      first += lines.length;
      begun = [];
      begunBytes = 0;
    }
    begunBytes += chunk.length - end - 1;
    if (begunBytes > maxBytes) begun = []; // of a line that is too long nothing is kept
    else if (begunBytes > 0) begun.push(Buffer.from(chunk.subarray(end + 1))); // the chunk is overwritten
  }
  if (begunBytes > 0) yield { first, lines: [lineOf(begun, begunBytes)] };

  /** The lines up to `end` of a chunk whose first began before it. */
  function continued(chunk: Buffer, end: number): (string | PostgradError)[] {
    const firstEnd = chunk.indexOf(newline);
    const line = lineOf([...begun, chunk.subarray(0, firstEnd)], begunBytes + firstEnd);
    return firstEnd === end
      ? [line]
      : [line, ...linesOf(chunk.subarray(firstEnd + 1, end), first + 1)];
  }

  function lineOf(pieces: readonly Buffer[], size: number): string | PostgradError {
    return size > maxBytes ? tooLong(first) : linesOf(Buffer.concat(pieces), first)[0]!;
  }

  function linesOf(bytes: Buffer, number: number): (string | PostgradError)[] {
    // Pure ASCII, the common case, is decoded in one go.
    if (isAscii(bytes)) {
      const lines: (string | PostgradError)[] = bytes.toString("latin1").split("\n");
      return lines.map((line, i) => (sizeOf(line) <= maxBytes ? line : tooLong(number + i)));
    }
    return slices(bytes).map((line, i) => {
      if (line.length > maxBytes) return tooLong(number + i);
      return isUtf8(line) ? line.toString() : notUtf8(number + i);
    });
  }

  function tooLong(line: number): PostgradError {
    return new PostgradError(
      "dataset/line-too-long",
      `${placePrefix({ file, line })}has more than ${maxBytes} bytes; raise maxLineBytes if it is meant to`,
    );
  }

  function notUtf8(line: number): PostgradError {
    return new PostgradError(
      "dataset/not-utf8",
      `${placePrefix({ file, line })}is not valid UTF-8; convert the file`,
    );
  }
}

const newline = 0x0a;

const sizeOf = (line: string | PostgradError): number =>
  typeof line === "string" ? line.length : 0;

function slices(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start <= bytes.length;) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

async function* withoutMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of chunks) {
    const marked = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    yield marked ? chunk.subarray(3) : chunk;
    first = false;
  }
}
