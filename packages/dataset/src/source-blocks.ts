import { stat } from "node:fs/promises";

import { PostgradError } from "@postgrad/schema";

import type { BadRowOptions } from "./bad-row.ts";
import { type DataFile, dataFiles, type Selection } from "./data-files.ts";
import { fileError } from "./file-error.ts";
import { readJson } from "./json-read.ts";
import { readJsonl } from "./jsonl-read.ts";
import { readParquet } from "./parquet/read.ts";
import type { RowBlock } from "./row-block.ts";
import { readSeeds } from "./seeds/read-seeds.ts";

/** What a source may be. */
export interface SourceOptions extends Selection, Pick<BadRowOptions, "onDrop"> {
  /** A folder that no path, and no link on the way, may leave. */
  readonly root?: string | undefined;
  /** Whether a source without rows is in order; without it that is an error. */
  readonly allowEmpty?: boolean | undefined;
  /** The longest line that is read, in bytes; 64 MiB. A guard against files that are no text. */
  readonly maxLineBytes?: number | undefined;
}

/** Consecutive rows of one file of a source. */
export interface SourceBlock extends RowBlock {
  readonly file: DataFile;
}

/** The unchecked rows of files and folders, a block at a time, in the order given. */
export async function* sourceBlocks(
  source: string | readonly string[],
  options: SourceOptions,
): AsyncGenerator<SourceBlock> {
  for (const path of typeof source === "string" ? [source] : source) {
    let found = false;
    const files = await dataFiles(path, options, options.root);
    const version = await versionOf(path);
    for (const file of files) {
      if ((await versionOf(path)) !== version) throw changed(path);
      for await (const { first, rows } of blocksOf(file, options)) {
        found ||= rows.some((row) => row !== undefined);
        yield { file, first, rows };
      }
    }
    if (!found && !options.allowEmpty) {
      throw new PostgradError(
        "dataset/empty",
        `${path}: has no rows; is it the one that was meant?`,
      );
    }
  }
}

function blocksOf({ path, format }: DataFile, options: SourceOptions): AsyncIterable<RowBlock> {
  if (format.rows === "document") return seedBlocks(path, options);
  const { maxLineBytes = 64 * 2 ** 20 } = options;
  if (format.rows === "parquet") return readParquet(path);
  const read = format.rows === "json" ? readJson : readJsonl;
  return read(path, format.compression, maxLineBytes);
}

async function* seedBlocks(path: string, options: SourceOptions): AsyncGenerator<RowBlock> {
  let first = 1;
  for await (const seed of readSeeds(path, options)) yield { first: first++, rows: [seed] };
}

/** What tells a folder from another that has taken its place. */
async function versionOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  return `${dev}/${ino}`;
}

function changed(path: string): PostgradError {
  return new PostgradError(
    "dataset/changed",
    `${path}: was replaced while it was read; read it again from the start`,
    { fault: "system" },
  );
}
