import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import type { RandomAccessFile } from "./files.ts";

/**
 * SHA-256 over the content of `files` and over `settings`. A file that was hashed before and has the same size and time of
 * change is not read again (`hashes` in `cacheFolder` remembers); a blob of the hub's cache is named after its hash.
 */
export async function contentKey(
  files: readonly RandomAccessFile[],
  settings: string,
  cacheFolder: string,
): Promise<string> {
  const digest = createHash("sha256").update(settings);
  for (const file of files) digest.update(await contentHash(file.path, cacheFolder));
  return digest.digest("hex");
}

async function contentHash(path: string, cacheFolder: string): Promise<string> {
  const name = basename(path);
  if (/^[0-9a-f]{64}$/.test(name) && basename(dirname(path)) === "blobs") return name;
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  const state = `${size} ${mtimeNs} ${ino}`;
  const memory = join(cacheFolder, "hashes", createHash("sha256").update(path).digest("hex"));
  const [known, hash] = (await readFile(memory, "utf8").catch(() => "")).split("\n");
  if (known === state && hash) return hash;
  const digest = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), digest);
  const fresh = digest.digest("hex");
  await mkdir(dirname(memory), { recursive: true });
  await writeFile(memory, `${state}\n${fresh}`);
  return fresh;
}
