import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import {
  getHFHubCachePath,
  getRepoFolderName,
  HubApiError,
  listFiles,
  type ListFileEntry,
  modelInfo,
} from "@huggingface/hub";
import { PostgradError } from "@postgrad/schema";

import { readJson } from "../checkpoint/json.ts";
import { shardsOf } from "../checkpoint/tensor-index.ts";
import { files } from "../files/disk.node.ts";
import { type CacheFile, fetchIntoCache } from "./cache.node.ts";
import type { HubOptions } from "./hub-options.ts";

/** The files of a checkpoint beside its weights, as far as this package reads them. */
const smallFiles = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
];
const weightFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";

/**
 * Downloads what this package reads of a model into the cache that all of Hugging Face's tools share, and returns the
 * snapshot's folder. What is there is not fetched again; a transfer that broke off goes on where it stopped; every file
 * is checked against the hub's hash. Where the hub cannot be reached, or `HF_HUB_OFFLINE` is set, the snapshot of an
 * earlier download is used.
 *
 * Throws `model/hub`, naming the model, for one that is unknown, closed, or without safetensors.
 */
export async function downloadCheckpoint(id: string, options: HubOptions = {}): Promise<string> {
  const { revision = "main", cacheFolder = getHFHubCachePath() } = options;
  const cache = join(cacheFolder, getRepoFolderName({ name: id, type: "model" }));
  const commit = await commitOf(id, revision, cache, options);
  const snapshot = join(cache, "snapshots", commit);
  if (await isComplete(snapshot)) return snapshot;

  const listed = await list(id, commit, options);
  const get = async (name: string): Promise<void> => {
    const entry = listed.get(name);
    if (!entry) throw hubError(id, `its index names the file ${name}, which is missing`);
    await fetchIntoCache({
      id,
      commit,
      cache,
      name,
      size: entry.size,
      ...hashOf(entry),
      ...access(options),
    });
  };
  for (const name of smallFiles) if (listed.has(name)) await get(name);
  if (listed.has(weightFile)) await get(weightFile);
  else {
    if (!listed.has(indexFile)) {
      throw hubError(
        id,
        "it has no safetensors: choose a revision that has, or convert it with transformers",
      );
    }
    await get(indexFile);
    for (const shard of await shardsIn(snapshot)) await get(shard);
  }
  if (revision !== commit) await writeRef(cache, revision, commit);
  return snapshot;
}

/** The commit that `revision` stands for: the hub's answer, or where it cannot be asked the one of the last download. */
async function commitOf(
  id: string,
  revision: string,
  cache: string,
  options: HubOptions,
): Promise<string> {
  const known = await readFile(join(cache, "refs", revision), "utf8").catch(() => undefined);
  const offline = ["1", "true", "yes", "on"].includes(
    (process.env["HF_HUB_OFFLINE"] ?? "").toLowerCase(),
  );
  if (offline && known !== undefined) return known;
  try {
    const info = await modelInfo({
      name: id,
      revision,
      additionalFields: ["sha"],
      ...access(options),
    });
    return info.sha;
  } catch (cause) {
    if (cause instanceof HubApiError)
      throw hubError(id, refusal(cause.statusCode, revision), cause);
    if (known !== undefined) return known;
    throw hubError(
      id,
      "the hub cannot be reached, and nothing of the model is in the cache",
      cause,
    );
  }
}

const refusal = (status: number, revision: string): string => {
  if (status === 401 || status === 403) {
    return `the hub asks for a token that may read it (${status}): set HF_TOKEN, and accept the model's terms on its page`;
  }
  return status === 404
    ? `the hub has no such model, or no revision "${revision}" of it`
    : `the hub answered ${status}`;
};

async function list(
  id: string,
  commit: string,
  options: HubOptions,
): Promise<ReadonlyMap<string, ListFileEntry>> {
  const listed = new Map<string, ListFileEntry>();
  try {
    const entries = listFiles({ repo: id, revision: commit, ...access(options) });
    for await (const entry of entries) listed.set(entry.path, entry);
  } catch (cause) {
    throw hubError(id, "the list of its files cannot be had", cause);
  }
  return listed;
}

/** Whether weights and configuration of a snapshot are all there: they are linked only when they are whole. */
async function isComplete(snapshot: string): Promise<boolean> {
  await using config = await files.open(snapshot, "config.json");
  if (!config) return false;
  await using whole = await files.open(snapshot, weightFile);
  if (whole) return true;
  for (const shard of await shardsIn(snapshot)) {
    await using file = await files.open(snapshot, shard);
    if (!file) return false;
  }
  return (await shardsIn(snapshot)).length > 0;
}

async function shardsIn(snapshot: string): Promise<readonly string[]> {
  const index = await readJson(files, snapshot, indexFile);
  return index === undefined ? [] : [...shardsOf(snapshot, index).keys()];
}

async function writeRef(cache: string, revision: string, commit: string): Promise<void> {
  await mkdir(join(cache, "refs"), { recursive: true });
  await writeFile(join(cache, "refs", revision), commit);
}

const hashOf = ({ lfs, oid }: ListFileEntry): Pick<CacheFile, "hash" | "hashKind"> =>
  lfs ? { hash: lfs.oid, hashKind: "sha256" } : { hash: oid!, hashKind: "git" };

/** What every request needs. */
function access({
  endpoint,
  token,
  fetch,
}: HubOptions): Pick<CacheFile, "hubUrl" | "accessToken" | "fetch"> {
  const hubUrl = endpoint ?? process.env["HF_ENDPOINT"];
  const accessToken = token ?? process.env["HF_TOKEN"];
  return {
    ...(hubUrl ? { hubUrl: hubUrl.replace(/\/$/, "") } : {}),
    ...(accessToken ? { accessToken } : {}),
    ...(fetch ? { fetch } : {}),
  };
}

const hubError = (id: string, what: string, cause?: unknown): PostgradError =>
  new PostgradError("model/hub", `${id}: ${what}`, { cause, fault: "system" });
