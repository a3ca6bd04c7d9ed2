import { PostgradError } from "@postgrad/schema";

import type { Files, RandomAccessFile } from "../files/files.ts";
import { readSafetensorsHeader, type SafetensorsEntry } from "../safetensors/header.ts";
import { readJson } from "./json.ts";

/** A tensor of a checkpoint and the open file that it lies in. */
export interface StoredEntry extends SafetensorsEntry {
  readonly file: RandomAccessFile;
}

/** The tensors of a checkpoint by name, over all its files. */
export interface TensorIndex {
  readonly entries: ReadonlyMap<string, StoredEntry>;
  /** The open files, in the order of their names. */
  readonly files: readonly RandomAccessFile[];
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` lists, and reads their headers.
 *
 * Throws `model/no-weights` where the folder has neither, `model/shards` where index and shards do not agree.
 */
export async function openTensorIndex(on: Files, folder: string): Promise<TensorIndex> {
  const whole = await on.open(folder, "model.safetensors");
  if (whole) return closedOnFailure([whole], async () => entriesOf(whole));
  const index = await readJson(on, folder, "model.safetensors.index.json");
  if (index === undefined) {
    throw new PostgradError(
      "model/no-weights",
      `${folder} has neither model.safetensors nor model.safetensors.index.json; convert other formats with transformers: ` +
        "model.save_pretrained(folder, safe_serialization=True)",
    );
  }
  return openShards(on, folder, shardsOf(folder, index));
}

async function openShards(
  on: Files,
  folder: string,
  shards: ReadonlyMap<string, readonly string[]>,
): Promise<TensorIndex> {
  const files: RandomAccessFile[] = [];
  return closedOnFailure(files, async () => {
    const entries = new Map<string, StoredEntry>();
    for (const [shard, names] of [...shards].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const file = await on.open(folder, shard);
      if (!file) throw disagree(folder, `the shard ${shard} is missing`);
      files.push(file);
      const stored = await entriesOf(file);
      for (const name of names) {
        const entry = stored.get(name);
        if (!entry) throw disagree(folder, `the shard ${shard} has no tensor "${name}"`);
        entries.set(name, entry);
      }
      const unlisted = stored.keys().find((name) => !names.includes(name));
      if (unlisted !== undefined) {
        throw disagree(folder, `the tensor "${unlisted}" of ${shard} is not listed`);
      }
    }
    return entries;
  });
}

/** Whatever goes wrong while the headers are read, no file stays open. */
async function closedOnFailure(
  files: readonly RandomAccessFile[],
  read: () => Promise<ReadonlyMap<string, StoredEntry>>,
): Promise<TensorIndex> {
  try {
    return { entries: await read(), files };
  } catch (cause) {
    await Promise.all(files.map((file) => file[Symbol.asyncDispose]()));
    throw cause;
  }
}

async function entriesOf(file: RandomAccessFile): Promise<ReadonlyMap<string, StoredEntry>> {
  const header = await readSafetensorsHeader(file);
  return new Map([...header].map(([name, entry]) => [name, { ...entry, file }]));
}

/** Which tensors each shard holds. Shards are files of the folder itself: a path that leads out of it is refused. */
export function shardsOf(
  folder: string,
  index: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, readonly string[]> {
  const map = index["weight_map"];
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw disagree(folder, "weight_map is missing");
  }
  const shards = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== "string" || !/^[\w][\w.-]*$/.test(shard)) {
      throw disagree(folder, `weight_map gives "${name}" the file ${JSON.stringify(shard)}`);
    }
    const names = shards.get(shard) ?? [];
    shards.set(shard, names);
    names.push(name);
  }
  return shards;
}

const disagree = (folder: string, what: string): PostgradError =>
  new PostgradError("model/shards", `${folder}/model.safetensors.index.json does not fit: ${what}`);
