import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";

import { type Drop, PostgradError, records, type SeedDocument } from "@postgrad/schema";

import { dropOf } from "../bad-row.ts";
import { contentId } from "../content-id.ts";
import { fileError } from "../file-error.ts";
import { realPathWithin } from "../root.ts";
import { kindOfDocument, statedLicense } from "./kind.ts";
import { type Met, walk } from "./walk.ts";

/** How documents are read. */
export interface SeedOptions {
  /** The folder that no path, and no link, may leave, and that `source` is relative to; by default the folder read. */
  readonly root?: string | undefined;
  /** SPDX identifier of the documents; one that a file states for itself (`SPDX-License-Identifier`) comes first. */
  readonly license?: string | undefined;
  /** Longer files are dropped; 4 MiB. */
  readonly maxBytes?: number | undefined;
  /** Names of files and folders that are passed over, beside hidden ones; `node_modules`, `dist`, `build` and the like. */
  readonly ignore?: readonly string[] | undefined;
  /** Receives every file that is no document: binary, too large, no UTF-8, empty, out of the root, not readable. */
  readonly onDrop?: ((drop: Drop) => void | Promise<void>) | undefined;
}

const usualIgnored = ["node_modules", "dist", "build", "target", "__pycache__", "venv"];

/**
 * Reads the text files of a folder, or one file, as documents, ordered by path. What is no text leaves the stream with the
 * reason; nothing in a folder makes this fail.
 *
 * @throws PostgradError `dataset/missing`, `dataset/outside-root`, and `dataset/empty` where there is no document at all.
 */
export async function* readSeeds(
  source: string,
  options: SeedOptions = {},
): AsyncGenerator<SeedDocument, void, undefined> {
  const real = await realPathWithin(source, options.root);
  const isFolder = (await stat(real)).isDirectory();
  const base = options.root ?? (isFolder ? source : resolve(source, ".."));
  const root = await realPathWithin(base);
  const ignore = new Set(options.ignore ?? usualIgnored);
  const met = isFolder ? walk(source, { root, folder: real, ignore }) : [{ path: source }];
  let documents = 0;
  for await (const file of met) {
    const text = await textOf(file, options.maxBytes ?? 4 * 2 ** 20);
    if (text instanceof PostgradError) {
      await options.onDrop?.(dropOf(text.code, text.message, { file: file.path }));
      continue;
    }
    documents += 1;
    yield document(file.path, text, base, options.license);
  }
  if (documents > 0) return;
  throw new PostgradError("dataset/empty", `${source}: holds no text document`);
}

async function textOf({ path, problem }: Met, maxBytes: number): Promise<string | PostgradError> {
  if (problem) return problem;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) {
      return new PostgradError(
        "dataset/too-large",
        `${path}: has ${size} bytes, more than ${maxBytes}`,
      );
    }
    return textOfBytes(await readFile(path), path);
  } catch (error) {
    const described = fileError(error, path);
    if (described instanceof PostgradError) return described;
    throw error;
  }
}

function textOfBytes(bytes: Buffer, path: string): string | PostgradError {
  if (bytes.includes(0)) return new PostgradError("dataset/binary", `${path}: is no text`);
  if (!isUtf8(bytes)) return new PostgradError("dataset/not-utf8", `${path}: is not valid UTF-8`);
  const text = bytes.toString().replace(/^\uFEFF/, "");
  if (text.trim() === "") return new PostgradError("dataset/empty", `${path}: has no text`);
  return text;
}

function document(path: string, text: string, base: string, license?: string): SeedDocument {
  const stated = statedLicense(text) ?? license;
  const seed = {
    schema: "seed/1" as const,
    ...kindOfDocument(path, text),
    source: relative(resolve(base), resolve(path)).split(sep).join("/"),
    text,
    ...(stated === undefined ? {} : { license: stated }),
  };
  return { id: contentId(seed, records.seed), ...seed };
}
