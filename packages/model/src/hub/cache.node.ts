import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";

import { downloadFile } from "@huggingface/hub";
import { PostgradError } from "@postgrad/schema";

/** One file of a model at one commit, and where the cache of the model lies. */
export interface CacheFile {
  readonly id: string;
  readonly commit: string;
  readonly name: string;
  /** The model's folder of the cache, `models--owner--name`. */
  readonly cache: string;
  readonly size: number;
  /** The hub's hash of the content, which names the blob: SHA-256 of a large file, git's SHA-1 of a small one. */
  readonly hash: string;
  readonly hashKind: "sha256" | "git";
  readonly hubUrl?: string;
  readonly accessToken?: string;
  readonly fetch?: typeof fetch;
}

/** How often a transfer that broke off is taken up again before it counts as failed. */
const attempts = 5;

/**
 * Puts a file into the cache as Hugging Face's tools do: content in `blobs/HASH`, a link to it in the snapshot. What an
 * earlier transfer left in `blobs/HASH.incomplete` is kept and continued.
 */
export async function fetchIntoCache(file: CacheFile): Promise<void> {
  const place = join(file.cache, "snapshots", file.commit, file.name);
  if (existsSync(place)) return;
  const blob = join(file.cache, "blobs", file.hash);
  await mkdir(dirname(blob), { recursive: true });
  await mkdir(dirname(place), { recursive: true });
  if (!existsSync(blob)) {
    const incomplete = `${blob}.incomplete`;
    await transfer(file, incomplete);
    await check(file, incomplete);
    await rename(incomplete, blob);
  }
  await link(blob, place);
}

/** Continues `incomplete` until it has all bytes. */
async function transfer(file: CacheFile, incomplete: string): Promise<void> {
  await writeFile(incomplete, "", { flag: "a" });
  for (let attempt = 1; ; attempt++) {
    const done = await sizeOf(incomplete);
    if (done >= file.size) return;
    try {
      await append(file, incomplete, done);
    } catch (cause) {
      const moved = (await sizeOf(incomplete)) > done;
      if (moved) attempt = 0;
      else if (attempt >= attempts) {
        throw new PostgradError(
          "model/hub",
          `${file.name} of ${file.id} broke off after ${done} of ${file.size} bytes; run it again to go on from there`,
          { cause, fault: "system" },
        );
      }
    }
  }
}

async function append(file: CacheFile, incomplete: string, from: number): Promise<void> {
  const { id, commit, name, size, hubUrl, accessToken, fetch } = file;
  const blob = await downloadFile({
    repo: id,
    revision: commit,
    path: name,
    xet: false,
    ...(hubUrl === undefined ? {} : { hubUrl }),
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(fetch === undefined ? {} : { fetch }),
  });
  if (!blob) throw new PostgradError("model/hub", `${name} of ${id} is listed and cannot be had`);
  const rest = chunksOf(blob.slice(from, size).stream());
  await pipeline(rest, createWriteStream(incomplete, { flags: "a" }));
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield chunk.value;
}

/** A file with other content than the hub's is removed, so that the next run gets it afresh. */
async function check(
  { id, name, size, hash, hashKind }: CacheFile,
  incomplete: string,
): Promise<void> {
  const digest = createHash(hashKind === "sha256" ? "sha256" : "sha1");
  if (hashKind === "git") digest.update(`blob ${size}\0`);
  await pipeline(createReadStream(incomplete), digest);
  const found = digest.digest("hex");
  if (found === hash) return;
  await rm(incomplete);
  throw new PostgradError(
    "model/hub",
    `${name} of ${id} arrived damaged (its hash is ${found}, the hub says ${hash}); run it again`,
    { fault: "system" },
  );
}

/** A relative link, as in every such cache; a copy where the system allows no links. */
async function link(blob: string, place: string): Promise<void> {
  try {
    await symlink(relative(dirname(place), blob), place);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return;
    await copyFile(blob, place);
  }
}

async function sizeOf(path: string): Promise<number> {
  return existsSync(path) ? (await stat(path)).size : 0;
}
