import { resolve } from "node:path";

import type { Context } from "./command.ts";

/** `path` as the user means it: from the folder that the command was started in. A closing slash, which says folder, stays. */
export function pathOf({ cwd }: Pick<Context, "cwd">, path: string): string {
  return resolve(cwd, path) + (/[^/]\/$/.test(path) ? "/" : "");
}
