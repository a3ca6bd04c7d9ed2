import { type FileHandle, open } from "node:fs/promises";

import type { RawRow } from "@postgrad/schema";

import { type ByteSink, packInto, readBytes } from "./bytes.ts";
import { lineBlocks } from "./lines.ts";

/** Rows set aside on disk, for what needs to know all of them before it writes the first. */
export interface Spool {
  readonly rows: number;
  add(row: object): Promise<void> | undefined;
  /** Ends the writing. */
  end(): Promise<void>;
  /** Closes the file without caring for what is in it. */
  abort(): Promise<void>;
  /** The rows again, in groups of about `groupLength` characters of JSON. */
  groups(groupLength: number): AsyncGenerator<RawRow[]>;
}

// Rows are joined to pieces of about this many characters before they are packed.
const pieceLength = 1 << 18;

/** A spool in a new file, which is made when rows have come and belongs to the caller. */
export function spoolAt(path: string): Spool {
  let opened: Promise<{ handle: FileHandle; sink: ByteSink }> | undefined;
  let piece = "";
  let rows = 0;

  const openFile = async (): Promise<{ handle: FileHandle; sink: ByteSink }> => {
    const handle = await open(path, "wx");
    return { handle, sink: packInto(handle, { compression: "zstd", level: 1 }, path) };
  };

  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(piece);
    piece = "";
    opened ??= openFile();
    await (await opened).sink.write(bytes);
  };

  return {
    get rows() {
      return rows;
    },
    add: (row) => {
      piece += `${JSON.stringify(row)}\n`;
      rows += 1;
      return piece.length < pieceLength ? undefined : flush();
    },
    end: async () => {
      if (rows === 0) return;
      await flush();
      const { handle, sink } = await opened!;
      await sink.end();
      await handle.close();
    },
    abort: async () => {
      const { handle, sink } = (await opened?.catch(() => undefined)) ?? {};
      await sink?.destroy();
      await handle?.close().catch(() => undefined); // it may be closed already
    },
    groups: (groupLength) => (rows === 0 ? none() : groupsOf(path, groupLength)),
  };
}

async function* none(): AsyncGenerator<never> {
  // no rows, no groups
}

async function* groupsOf(path: string, groupLength: number): AsyncGenerator<RawRow[]> {
  let group: RawRow[] = [];
  let length = 0;
  for await (const { lines } of lineBlocks(readBytes(path, "zstd"), path, Infinity)) {
    for (const line of lines as string[]) {
      if (line === "") continue;
      group.push(JSON.parse(line) as RawRow);
      length += line.length;
      if (length < groupLength) continue;
      yield group;
      group = [];
      length = 0;
    }
  }
  if (group.length > 0) yield group;
}
