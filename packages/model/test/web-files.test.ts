import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import * as web from "../src/files/files.web.ts";
import { loadWeights, openCheckpoint, withWeightsInside, embedGraph } from "../src/index.ts";
import { open } from "./decoding.ts";
import { seededTensor } from "./seeded-weights.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { writeCheckpoint } from "./written-checkpoint.ts";

/** Serves a folder on this machine, by range unless told otherwise. Returns its address and the ranges asked for. */
async function serve(
  folder: string,
  withRanges = true,
): Promise<{ url: string; ranges: string[] }> {
  const ranges: string[] = [];
  const server = createServer(async ({ url = "", headers }, response) => {
    const path = join(folder, url);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) return void response.writeHead(404).end();
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    ranges.push(`${url} ${from}-${to}`);
    if (!withRanges || from === undefined)
      return void createReadStream(path).pipe(response.writeHead(200, { "content-length": size }));
    const end = Math.min(Number(to), size - 1);
    response.writeHead(206, { "content-range": `bytes ${from}-${end}/${size}` });
    return void createReadStream(path, { start: Number(from), end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ranges };
}

test("a checkpoint behind an address is read by range", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama", "F32", 2);
  const { url, ranges } = await serve(folder);
  await using checkpoint = await openCheckpoint(url, { files: web.files });
  expect(await checkpoint.readRows("lm_head.weight", 1, 3)).toEqual(
    seededTensor("lm_head.weight", [48, 32]).slice(32, 96),
  );
  expect(await checkpoint.tokenizer()).toBeUndefined();
  const { data } = checkpoint.place("lm_head.weight");
  const name = data.path.replace(url, "");
  expect(ranges.at(-1)).toBe(`${name} ${data.offset + 128}-${data.offset + 383}`);
});

test("weights behind an address are put into the graph", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  const { url } = await serve(folder);
  await using checkpoint = await openCheckpoint(url, { files: web.files });
  const graph = embedGraph(checkpoint.decoder, await loadWeights(checkpoint));
  const inside = await withWeightsInside(graph, async ({ path, offset, length }) => {
    await using file = (await web.files.open(
      path.replace(/\/[^/]*$/, ""),
      path.replace(/.*\//, ""),
    ))!;
    return file.read(offset, length);
  });
  expect((await open(inside)).outputNames).toEqual(["hidden", "cos", "sin"]);
});

test("a server that ignores ranges is refused, for small files it does", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  const { url } = await serve(folder, false);
  await expect(openCheckpoint(url, { files: web.files })).rejects.toThrow(
    "answered 200 to a request for a range of bytes",
  );
});

test("what is not there, and what a browser has not", async () => {
  const { url } = await serve(await temporaryFolder());
  await expect(openCheckpoint(url, { files: web.files })).rejects.toThrow("has no config.json");
  expect(web.cacheFolder()).toBeUndefined();
  await expect(web.writeAtomically("x")).rejects.toThrow("there are no files in the browser");
});

test("the id of a model on the hub is an address there", async () => {
  expect(await web.folderOf("owner/name")).toBe("https://huggingface.co/owner/name/resolve/main");
  expect(await web.folderOf("owner/name", { endpoint: "http://hub/", revision: "pr/1" })).toBe(
    "http://hub/owner/name/resolve/pr%2F1",
  );
  expect(await web.folderOf("/models/tiny")).toBe("/models/tiny");
});
