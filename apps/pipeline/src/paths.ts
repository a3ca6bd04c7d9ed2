import { resolve } from "node:path";

import type { Context } from "./command.ts";

/** `path` as the user means it: from the folder that the command was started in. */
export function pathOf({ cwd }: Context, path: string): string {
  return resolve(cwd, path);
}
