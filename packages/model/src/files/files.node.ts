import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { PostgradError } from "@postgrad/schema";

import { downloadCheckpoint } from "../hub/download.node.ts";
import { type HubOptions, isHubId } from "../hub/hub-options.ts";

export { contentKey } from "./content-key.node.ts";
export { files, writeAtomically } from "./disk.node.ts";

/** The folder of a checkpoint: `path` itself where it exists, else the snapshot of the hub's model of that name. */
export async function folderOf(path: string, hub: HubOptions = {}): Promise<string> {
  if (existsSync(path)) return path;
  if (isHubId(path)) return downloadCheckpoint(path, hub);
  throw new PostgradError(
    "model/no-folder",
    `${path}: there is no such folder, and it is no id of a model on the hub`,
  );
}

/** Where converted weights are kept unless told otherwise: `POSTGRAD_CACHE`, or `postgrad` in the user's cache folder. */
export function cacheFolder(): string | undefined {
  const { POSTGRAD_CACHE: own, XDG_CACHE_HOME: user } = process.env;
  return own || join(user || join(homedir(), ".cache"), "postgrad");
}
