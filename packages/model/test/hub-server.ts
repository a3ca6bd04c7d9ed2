import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { onTestFinished } from "vitest";

/** The commit that every test model is at. */
export const commit = "0123456789abcdef0123456789abcdef01234567";

/** What a loopback hub does and saw. */
export interface HubServer {
  readonly endpoint: string;
  /** Method, path and range of every request, in order. */
  readonly requests: string[];
  /** Breaks the connection after so many bytes of a file's body; each entry is used once. */
  readonly cuts: Map<string, number[]>;
  /** Content by name; may be changed while it runs. */
  readonly contents: Map<string, Uint8Array>;
  close(): Promise<void>;
}

/** Serves one model the way the hub does, on this machine: revision, list of files, files by range. */
export async function hubServer(
  id: string,
  contents: ReadonlyMap<string, Uint8Array>,
  token?: string,
): Promise<HubServer> {
  const hub = {
    requests: [] as string[],
    cuts: new Map<string, number[]>(),
    contents: new Map(contents),
  };
  const server = createServer((request, response) => {
    hub.requests.push(
      `${request.method} ${request.url?.split("?")[0]} ${request.headers.range ?? ""}`.trim(),
    );
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return send(response, 401, { error: "no" });
    return answer(id, hub, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  onTestFinished(close);
  return { ...hub, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** Git's hash of a small file. */
const gitHash = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

function answer(
  id: string,
  hub: Pick<HubServer, "contents" | "cuts">,
  { url = "" }: IncomingMessage,
  response: ServerResponse,
): void {
  const path = decodeURIComponent(url.split("?")[0]!);
  if (
    path === `/api/models/${id}/revision/main` ||
    path === `/api/models/${id}/revision/${commit}`
  ) {
    return send(response, 200, { _id: "1", id, sha: commit, lastModified: "2026-01-01T00:00:00Z" });
  }
  if (path === `/api/models/${id}/tree/${commit}`) {
    return send(
      response,
      200,
      [...hub.contents].map(([name, bytes]) => ({
        type: "file",
        path: name,
        size: bytes.length,
        oid: gitHash(bytes),
        ...(name.endsWith(".safetensors")
          ? {
              lfs: {
                oid: createHash("sha256").update(bytes).digest("hex"),
                size: bytes.length,
                pointerSize: 130,
              },
            }
          : {}),
      })),
    );
  }
  const name = path.startsWith(`/${id}/resolve/${commit}/`) ? path.split("/").at(-1)! : "";
  const bytes = hub.contents.get(name);
  if (!bytes) return send(response, 404, { error: "not found" });
  return sendRange(hub.cuts.get(name) ?? [], bytes, response);
}

function sendRange(cuts: number[], bytes: Uint8Array, response: ServerResponse): void {
  const range = /bytes=(\d+)-(\d+)/.exec(response.req.headers.range ?? "");
  const [from, to] = range
    ? [Number(range[1]), Math.min(Number(range[2]) + 1, bytes.length)]
    : [0, bytes.length];
  const headers = {
    etag: `"${gitHash(bytes)}"`,
    "content-length": to - from,
    ...(range ? { "content-range": `bytes ${from}-${to - 1}/${bytes.length}` } : {}),
  };
  response.writeHead(range ? 206 : 200, headers);
  const cut = to - from > 1 ? cuts.shift() : undefined;
  if (cut === undefined) return void response.end(bytes.subarray(from, to));
  response.write(bytes.subarray(from, from + cut), () => response.socket?.end());
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
