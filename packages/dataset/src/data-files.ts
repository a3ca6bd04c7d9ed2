import { readdir, readFile, stat } from "node:fs/promises";
import { join, sep } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { isErrno } from "./file-error.ts";
import { type FileFormat, formatOf } from "./format.ts";
import { configsOf } from "./hub/card-configs.ts";
import { splitOfPath } from "./hub/split-name.ts";
import { realPathWithin } from "./root.ts";
import { isDocument } from "./seeds/kind.ts";

/** A file of rows. */
export interface DataFile {
  /** Path as it is shown to people: the one given, or one below the folder given. */
  readonly path: string;
  readonly format: FileFormat;
  /** The part of the data set that it belongs to; `default` where its folder's card names none. */
  readonly config: string;
  /** `train` where neither the card nor a name tells. */
  readonly split: string;
}

/** Which files of a folder are meant. */
export interface Selection {
  readonly config?: string | undefined;
  readonly split?: string | undefined;
}

/**
 * The files of rows that `source` names: itself, or in a folder those that its card lists, or else all, ordered by path.
 * Hidden files are passed over. A folder without files of rows is one of documents. Every path must lie in `root`, where one is given.
 *
 * @throws PostgradError `dataset/missing`, `dataset/outside-root`, `dataset/unknown-format`, `dataset/no-such-split`
 */
export async function dataFiles(
  source: string,
  { config, split }: Selection = {},
  root?: string,
): Promise<DataFile[]> {
  const real = await realPathWithin(source, root);
  if (!(await stat(real)).isDirectory()) return [fileAt(source, real)];
  const files = await filesIn(source, real);
  for (const { path } of files) await realPathWithin(path, root);
  const meant = files.filter(
    (file) => (config ?? file.config) === file.config && (split ?? file.split) === file.split,
  );
  if (meant.length > 0) return meant;
  const there = [...new Set(files.map((file) => `${file.config}/${file.split}`))].join(", ");
  throw new PostgradError(
    "dataset/no-such-split",
    `${source}: has no ${config ?? "*"}/${split ?? "*"}; there is ${there}`,
  );
}

/** The files of rows below the folder `real`, shown as below `source`. */
async function filesIn(source: string, real: string): Promise<DataFile[]> {
  const names = (await readdir(real, { recursive: true }))
    .map((name) => name.split(sep).join("/"))
    .filter((name) => !/(^|\/)\./.test(name) && !notData.test(name) && formatOf(name))
    .toSorted();
  const configs = configsOf(await cardIn(real), source);
  const files = configs
    ? configs.flatMap(({ config, split, matches }) =>
        names.filter(matches).map((name) => ({ name, config, split })),
      )
    : names.map((name) => ({ name, config: "default", split: splitOfPath(name) }));
  if (files.length === 0) return [placed(source, documents)];
  return files.map(({ name, config, split }) => ({
    ...placed(join(source, name), formatOf(name)!),
    config,
    split,
  }));
}

// What tools lay beside the rows.
const notData = /(^|\/)(dataset_infos?|state|package|tsconfig)\.json$/;

const documents: FileFormat = { rows: "document", compression: "none" };

function fileAt(path: string, real: string): DataFile {
  const format = formatOf(path) ?? formatOf(real) ?? (isDocument(path) ? documents : undefined);
  if (format) return placed(path, format);
  throw new PostgradError(
    "dataset/unknown-format",
    `${path}: cannot tell the format from its name; known: .jsonl, .ndjson, .json (also .gz and .zst), .parquet, and documents: .md, .txt, source files`,
  );
}

function placed(path: string, format: FileFormat): DataFile {
  return { path, format, config: "default", split: splitOfPath(path) };
}

async function cardIn(folder: string): Promise<string> {
  return readFile(join(folder, "README.md"), "utf8").catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  });
}
