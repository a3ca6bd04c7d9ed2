import { open } from "node:fs/promises";

import type { RawRow } from "@postgrad/schema";

import { packInto, readBytes } from "./bytes.ts";
import { lineBlocks } from "./lines.ts";

/** Rows set aside on disk, for what needs to know all of them before it writes the first. */
export interface Spool {
  readonly rows: number;
  add(row: object): Promise<void> | undefined;
  /** Ends the writing. */
  end(): Promise<void>;
  /** The rows again, in groups of about `groupLength` characters of JSON. */
  groups(groupLength: number): AsyncGenerator<RawRow[]>;
}

// Rows are joined to pieces of about this many characters before they are packed.
const pieceLength = 1 << 18;

/** Opens a spool in a new file, which belongs to the caller. */
export async function openSpool(path: string): Promise<Spool> {
  const handle = await open(path, "wx");
  const sink = packInto(handle, "zstd", path);
  let piece = "";
  let rows = 0;

  const flush = (): Promise<void> | undefined => {
    const bytes = Buffer.from(piece);
    piece = "";
    return sink.write(bytes);
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
      await flush();
      await sink.end();
      await handle.close();
    },
    groups: (groupLength) => groupsOf(path, groupLength),
  };
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
