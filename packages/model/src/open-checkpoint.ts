import { files as platformFiles, folderOf } from "#files";

import { Checkpoint } from "./checkpoint/checkpoint.ts";
import type { Files } from "./files/files.ts";
import type { HubOptions } from "./hub/hub-options.ts";

/** What `openCheckpoint` takes beside the name. */
export interface OpenOptions {
  /** Where files are read; the disk in Node, the network in the browser. */
  readonly files?: Files;
  /** How the hub is reached, where the name is the id of a model on it. */
  readonly hub?: HubOptions;
}

/**
 * Opens a checkpoint in the Hugging Face layout: a folder, or the id of a model on the hub (`"facebook/opt-125m"`). Only
 * headers are read: weights are read by range when they are asked for.
 *
 * Throws a `PostgradError` that names the file and what is wrong with it: `model/no-config`, `model/json`, `model/config`,
 * `model/unsupported`, `model/unknown-architecture`, `model/no-weights`, `model/safetensors`, `model/shards`, `model/tensors`.
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  if (options.files) return Checkpoint.open(path, options.files);
  return Checkpoint.open(await folderOf(path, options.hub), platformFiles);
}
