import { readdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { fileError, isErrno } from "../file-error.ts";
import { noSight, seeRow, type Sight } from "../parquet/shape.ts";
import { asRow } from "../parquet/write.ts";
import { profiler } from "../profile.ts";
import type { RowWriter, Written } from "../row-writer.ts";
import { type Spool, spoolAt } from "../spool.ts";
import { stageFolder } from "../staged-folder.ts";
import { card, type CardText, type ConfigInfo } from "./card.ts";
import { type ShardFormat, writeConfig } from "./shards.ts";

/** How a folder is written. */
export interface FolderOptions {
  /** Format of the data files; Parquet by default. */
  readonly format?: ShardFormat | undefined;
  /** A file that has grown beyond this many bytes is followed by another; 500 MB, as the hub advises. */
  readonly maxFileBytes?: number | undefined;
  /** What the card says beside the numbers. */
  readonly card?: CardText | undefined;
}

/** Where the rows of a data set go. */
export interface FolderWriter extends RowWriter {
  /** Takes one row of a split, `train` by default, of a config, `default` by default. */
  write(row: unknown, split?: string, config?: string): Promise<void> | undefined;
}

/**
 * Writes a data set as the hub has them: `<config>/<split>-00000-of-0000N.parquet` and a card. All of it takes the place of
 * `target` at once; of a folder that is there already nothing stays, and one with other files than these is refused.
 *
 * @throws PostgradError `dataset/foreign-folder`, `dataset/not-a-folder`, `dataset/split-name`
 */
export async function openFolder(
  target: string,
  { format = "parquet", maxFileBytes = 500e6, card: text }: FolderOptions = {},
): Promise<FolderWriter> {
  await refuseForeign(target);
  const stage = await stageFolder(target).catch((error: unknown) => {
    throw fileError(error, target);
  });
  const configs = new Map<string, { sight: Sight; splits: Map<string, Spool> }>();
  const profile = profiler();
  let rows = 0;
  let open = true;

  const splitOf = (config: string, split: string): { sight: Sight; spool: Spool } => {
    let known = configs.get(config);
    let spool = known?.splits.get(split);
    if (known && spool) return { sight: known.sight, spool };
    checkNames(config, split, target);
    if (!known) configs.set(config, (known = { sight: noSight(), splits: new Map() }));
    spool = spoolAt(join(stage.path, `.${config}.${split}.rows`));
    known.splits.set(split, spool);
    return { sight: known.sight, spool };
  };

  const write: FolderWriter["write"] = (row, split = "train", config = "default") => {
    const object = asRow(row, target, rows + 1);
    const { sight, spool } = splitOf(config, split);
    rows += 1;
    seeRow(sight, object);
    profile.add(object);
    return spool.add(object);
  };

  const close = async (): Promise<Written> => {
    try {
      if (rows === 0) splitOf("default", "train");
      const infos: ConfigInfo[] = [];
      for (const [name, { sight, splits }] of configs) {
        infos.push(await writeConfig(stage.path, { name, sight, splits }, format, maxFileBytes));
      }
      const readme = card({ ...text, configs: infos, profile: profile.profile() });
      await writeFile(join(stage.path, "README.md"), readme);
      await refuseForeign(target);
      await stage.publish();
      open = false;
      const bytes = infos.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
      return { path: target, rows, bytes };
    } catch (error) {
      await discard();
      throw fileError(error, target);
    }
  };

  const discard = async (): Promise<void> => {
    if (!open) return;
    open = false;
    for (const { splits } of configs.values()) {
      for (const spool of splits.values()) await spool.abort();
    }
    await stage.discard();
  };

  return { write, close, discard, [Symbol.asyncDispose]: discard };
}

// The hub's loader takes words with dots between them as the name of a split.
const splitName = /^\w+(\.\w+)*$/;
const configName = /^\w[\w.-]*$/;

function checkNames(config: string, split: string, target: string): void {
  if (splitName.test(split) && configName.test(config)) return;
  throw new PostgradError(
    "dataset/split-name",
    `${target}: a split is named by letters, digits, "_" and ".", a config also by "-"; found ${JSON.stringify(split)} of ${JSON.stringify(config)}`,
  );
}

const ownFile =
  /^(README\.md|\.gitattributes|\w[\w.-]*[/\\]\w+(\.\w+)*-\d{5}-of-\d{5}\.(parquet|jsonl(\.gz|\.zst)?))$/;

/** Refuses a target that holds what this writer would not have written: replacing it would destroy somebody's files. */
async function refuseForeign(target: string): Promise<void> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      if (isErrno(error, "ENOENT")) return [];
      if (!isErrno(error, "ENOTDIR")) throw fileError(error, target);
      throw new PostgradError("dataset/not-a-folder", `${target}: is a file; name a folder`);
    },
  );
  const foreign = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(target, join(entry.parentPath, entry.name)))
    .find((name) => !ownFile.test(name));
  if (foreign === undefined) return;
  throw new PostgradError(
    "dataset/foreign-folder",
    `${target}: holds ${foreign}, which is no file of a data set written here; name an empty or new folder`,
  );
}
