import { basename } from "node:path";

import { PostgradError, nearest } from "@postgrad/schema";

/** How rows lie in a file; a document, or a folder of documents, is a seed each. */
export type RowFormat = "jsonl" | "json" | "parquet" | "document";

/** How the bytes of a file are packed. */
export type Compression = "none" | "gzip" | "zstd";

/** What a file name says about its content. */
export interface FileFormat {
  readonly rows: RowFormat;
  readonly compression: Compression;
}

const rowFormats: Readonly<Record<string, RowFormat>> = {
  jsonl: "jsonl",
  ndjson: "jsonl",
  json: "json",
  parquet: "parquet",
};
const compressions: Readonly<Record<string, Compression>> = { gz: "gzip", zst: "zstd" };

/** What the name of a file says about its content; `undefined` where it names none of the formats of rows. */
export function formatOf(path: string): FileFormat | undefined {
  const parts = basename(path).toLowerCase().split(".").slice(1);
  const compression = compressions[parts.at(-1) ?? ""] ?? "none";
  const rows = rowFormats[(compression === "none" ? parts.at(-1) : parts.at(-2)) ?? ""];
  // Parquet packs its pages itself; a packed file of it is none.
  return rows && (rows !== "parquet" || compression === "none") ? { rows, compression } : undefined;
}

/**
 * What the name of a file to write says.
 *
 * @throws PostgradError `dataset/unknown-format`, naming the endings that are known.
 */
export function outputFormatOf(path: string): FileFormat {
  const format = formatOf(path);
  if (format) return format;
  const ending = basename(path).split(".").slice(1).join(".");
  const known = ["jsonl", "jsonl.gz", "jsonl.zst", "json", "parquet"];
  const meant = nearest(ending, known);
  throw new PostgradError(
    "dataset/unknown-format",
    `${path}: cannot tell the format from ${ending ? `".${ending}"` : "a name without an ending"}; ${
      meant ? `did you mean ".${meant}"?` : `known: ${known.map((name) => `.${name}`).join(", ")}`
    }`,
  );
}
