import { PostgradError } from "@postgrad/schema";

import { type HubOptions, isHubId } from "../hub/hub-options.ts";
import type { Files, RandomAccessFile } from "./files.ts";

/** Files behind URLs, read by range requests. A server that ignores ranges is refused: whole checkpoints do not fit. */
export const files: Files = {
  async open(folder, name) {
    const url = `${folder.replace(/\/$/, "")}/${name}`;
    const response = await fetch(url, { headers: { range: "bytes=0-0" } });
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    if (response.status === 416) return emptyFile(url);
    if (!response.ok) throw refused(url, response);
    return rangedFile(url, sizeOf(url, response));
  },
};

/** The address of a checkpoint: `path` itself where it is an address, else that of the hub's model of that name. */
export async function folderOf(
  path: string,
  { endpoint = "https://huggingface.co", revision = "main" }: HubOptions = {},
): Promise<string> {
  if (!isHubId(path)) return path;
  return `${endpoint.replace(/\/$/, "")}/${path}/resolve/${encodeURIComponent(revision)}`;
}

/** Not in the browser: throws `model/no-disk`. */
export async function writeAtomically(path: string): Promise<void> {
  throw new PostgradError(
    "model/no-disk",
    `${path} cannot be written: there are no files in the browser`,
  );
}

/** No folder: converted weights stay in memory. */
export const cacheFolder = (): string | undefined => undefined;

/** Not in the browser: throws `model/no-disk`. */
export async function contentKey(
  _files: readonly RandomAccessFile[],
  settings: string,
  folder: string,
): Promise<string> {
  throw new PostgradError(
    "model/no-disk",
    `no weights are kept in ${folder} (${settings}): there are no files in the browser`,
  );
}

const rangedFile = (url: string, size: number): RandomAccessFile => ({
  path: url,
  size,
  async read(offset, length) {
    if (length === 0) return new Uint8Array();
    const range = `bytes=${offset}-${offset + length - 1}`;
    const response = await fetch(url, { headers: { range } });
    if (response.status !== 206 && !(offset === 0 && length === size)) throw refused(url, response);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length === length) return bytes;
    throw new PostgradError(
      "model/truncated",
      `${url} gave ${bytes.length} of the ${length} bytes at ${offset}`,
    );
  },
  [Symbol.asyncDispose]: async () => {},
});

const emptyFile = (url: string): RandomAccessFile => rangedFile(url, 0);

/** The whole size from `content-range: bytes 0-0/SIZE`; a server that sent everything says it in `content-length`. */
function sizeOf(url: string, response: Response): number {
  const total =
    response.headers.get("content-range")?.split("/")[1] ?? response.headers.get("content-length");
  const size = Number(total ?? Number.NaN);
  if (Number.isSafeInteger(size)) return size;
  throw new PostgradError(
    "model/unreadable",
    `${url}: the server does not say how long the file is`,
  );
}

const refused = (url: string, { status }: Response): PostgradError =>
  new PostgradError(
    "model/unreadable",
    `${url}: the server answered ${status} to a request for a range of bytes`,
    {
      fault: "system",
    },
  );
