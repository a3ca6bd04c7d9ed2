import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { type FileFormat, formatOf } from "./format.ts";
import { realPathWithin } from "./root.ts";

/** A file of rows. */
export interface DataFile {
  /** Path as it is shown to people: the one given, or one below the folder given. */
  readonly path: string;
  readonly format: FileFormat;
}

/**
 * The files of rows that `source` names, in the order given.
 *
 * @throws PostgradError `dataset/missing`, `dataset/outside-root`, `dataset/unknown-format`
 */
export async function dataFiles(source: string, root?: string): Promise<DataFile[]> {
  const real = await realPathWithin(source, root);
  const found = await stat(real);
  if (!found.isDirectory()) {
    const format = formatOf(source) ?? formatOf(real);
    if (!format) {
      throw new PostgradError("dataset/unknown-format", `${source}: cannot tell the format`);
    }
    return [{ path: source, format }];
  }
  const names = await readdir(real, { recursive: true });
  return names
    .filter(
      (name) =>
        !relative(real, join(real, name))
          .split(sep)
          .some((part) => part.startsWith(".")),
    )
    .toSorted()
    .map((name) => ({ path: join(source, name), format: formatOf(name) }))
    .filter((file): file is DataFile => file.format !== undefined);
}
