import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import type { RawRow } from "@postgrad/schema";

import { packInto } from "../bytes.ts";
import type { Compression } from "../format.ts";
import { openParquetFile } from "../parquet/file.ts";
import type { Sight } from "../parquet/shape.ts";
import { groupLength, writableColumns } from "../parquet/write.ts";
import type { Spool } from "../spool.ts";
import type { ConfigInfo, SplitInfo } from "./card.ts";

/** Endings of the data files of a folder. */
export type ShardFormat = "parquet" | "jsonl" | "jsonl.gz" | "jsonl.zst";

/** The rows of one config, set aside. */
export interface SpooledConfig {
  readonly name: string;
  readonly sight: Sight;
  readonly splits: ReadonlyMap<string, Spool>;
}

/** Writes the files of one config into `folder`, and removes what was set aside. All its splits have the same columns. */
export async function writeConfig(
  folder: string,
  { name, sight, splits }: SpooledConfig,
  format: ShardFormat,
  maxFileBytes: number,
): Promise<ConfigInfo> {
  await mkdir(join(folder, name));
  const columns = format === "parquet" ? writableColumns(sight, name) : undefined;
  const openShard = (path: string): Promise<Shard> =>
    columns ? openParquetFile(path, columns) : openJsonlFile(path, compressionOf(format));
  const infos: SplitInfo[] = [];
  let fileBytes = 0;
  for (const [split, spool] of splits) {
    await spool.end();
    const base = join(folder, name, split);
    const { bytes, written } = await writeShards(spool, base, {
      format,
      maxFileBytes,
      open: openShard,
    });
    await rm(join(folder, `.${name}.${split}.rows`), { force: true });
    infos.push({ name: split, rows: spool.rows, bytes, files: `${name}/${split}-*.${format}` });
    fileBytes += written;
  }
  return { name, columns, splits: infos, fileBytes };
}

/** A file that rows are added to, whatever its format. */
interface Shard {
  readonly bytes: number;
  readonly unpackedBytes: number;
  add(rows: readonly RawRow[]): Promise<void>;
  finish(): Promise<void>;
}

/** Writes the rows to as many files as they need, one at least, and names them when their number is known. */
async function writeShards(
  spool: Spool,
  base: string,
  to: { format: ShardFormat; maxFileBytes: number; open: (path: string) => Promise<Shard> },
): Promise<{ bytes: number; written: number }> {
  const shards: Shard[] = [];
  const begin = async (): Promise<Shard> => {
    const shard = await to.open(`${base}.${shards.length}`);
    shards.push(shard);
    return shard;
  };
  let shard = await begin();
  for await (const group of spool.groups(Math.min(groupLength, to.maxFileBytes))) {
    if (shard.bytes >= to.maxFileBytes) {
      await shard.finish();
      shard = await begin();
    }
    await shard.add(group);
  }
  await shard.finish();
  for (const i of shards.keys()) {
    await rename(`${base}.${i}`, `${base}-${digits(i)}-of-${digits(shards.length)}.${to.format}`);
  }
  return {
    bytes: shards.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0),
    written: shards.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Begins a JSONL file. Its `bytes` count what has gone into the packer until it is finished. */
async function openJsonlFile(path: string, compression: Compression): Promise<Shard> {
  const handle = await open(path, "wx");
  const sink = packInto(handle, { compression }, path);
  let [bytes, unpackedBytes] = [0, 0];
  return {
    get bytes() {
      return bytes;
    },
    get unpackedBytes() {
      return unpackedBytes;
    },
    add: async (rows) => {
      const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      unpackedBytes += lines.length;
      bytes = unpackedBytes;
      await sink.write(lines);
    },
    finish: async () => {
      await sink.end();
      await handle.sync();
      bytes = (await handle.stat()).size;
      await handle.close();
    },
  };
}

const compressionOf = (format: ShardFormat): Compression =>
  format === "jsonl.gz" ? "gzip" : format === "jsonl.zst" ? "zstd" : "none";

const digits = (value: number): string => String(value).padStart(5, "0");
