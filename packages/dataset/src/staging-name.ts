import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

import { isErrno } from "./file-error.ts";

/** A hidden name beside `final` for the `n`-th try of this process. */
export function stagingName(final: string, n: number): string {
  return join(dirname(final), `${prefixOf(final)}${process.pid}-${n}.tmp`);
}

/** Removes the hidden files and folders that killed writers of `final` left behind on this machine. */
export async function removeStale(final: string): Promise<void> {
  const folder = dirname(final);
  const prefix = prefixOf(final);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(".tmp")) continue;
    const path = join(folder, name);
    if (await isStale(path, Number.parseInt(name.slice(prefix.length), 10))) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

// The machine is part of the name: on a shared disk nobody can tell whether another machine's process still lives.
function prefixOf(final: string): string {
  const machine = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
  return `.${basename(final).slice(0, 150)}.${machine}-`;
}

/** A process that is gone cannot be writing. Nor is this one, where the file is older than it: process ids come again. */
async function isStale(path: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return !isAlive(pid);
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < Date.now() - process.uptime() * 1000;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, "EPERM"); // it lives and belongs to somebody else
  }
}
