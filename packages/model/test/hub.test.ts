import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, expect, test, vi } from "vitest";

import { openCheckpoint } from "../src/index.ts";
import { commit, hubServer } from "./hub-server.ts";
import { seededTensor } from "./seeded-weights.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { writeCheckpoint } from "./written-checkpoint.ts";

const id = "someone/tiny-llama";

/** A checkpoint's files by name, with one beside them that is not needed. */
async function contents(shards = 1): Promise<ReadonlyMap<string, Uint8Array>> {
  const folder = join(await temporaryFolder(), "model");
  await writeCheckpoint(folder, "llama", "F32", shards);
  const files = await Promise.all(
    (await readdir(folder)).map(
      async (name) => [name, Uint8Array.from(await readFile(join(folder, name)))] as const,
    ),
  );
  return new Map([
    ...files,
    ["pytorch_model.bin", new Uint8Array(9)],
    ["README.md", new Uint8Array(3)],
  ]);
}

const bodies = (requests: readonly string[]): readonly string[] =>
  requests
    .filter((request) => request.includes("/resolve/") && !request.endsWith("bytes=0-0"))
    .map((request) => request.replace(/.*\//, ""));

test("a model by its id: into the cache's usual layout, and from there the second time", async () => {
  const cacheFolder = await temporaryFolder();
  const server = await hubServer(id, await contents());
  const hub = { endpoint: `${server.endpoint}/`, cacheFolder };
  for (let time = 0; time < 2; time++) {
    await using checkpoint = await openCheckpoint(id, { hub });
    expect(await checkpoint.read("lm_head.weight")).toEqual(
      seededTensor("lm_head.weight", [48, 32]),
    );
  }
  expect(bodies(server.requests)).toEqual(["config.json", "model.safetensors"]);

  const folder = join(cacheFolder, "models--someone--tiny-llama");
  expect(await readFile(join(folder, "refs/main"), "utf8")).toBe(commit);
  const link = join(folder, "snapshots", commit, "model.safetensors");
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readlink(link)).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
});

test("shards, named by the index", async () => {
  const server = await hubServer(id, await contents(3));
  const hub = { endpoint: server.endpoint, cacheFolder: await temporaryFolder() };
  await using checkpoint = await openCheckpoint(id, { hub });
  expect(checkpoint.files).toHaveLength(3);
});

test("a transfer that breaks off goes on where it stopped", async () => {
  const server = await hubServer(id, await contents());
  server.cuts.set("config.json", [10]).set("model.safetensors", [20_000, 5000]);
  const hub = { endpoint: server.endpoint, cacheFolder: await temporaryFolder() };
  await using checkpoint = await openCheckpoint(id, { hub });
  expect(await checkpoint.read("model.norm.weight")).toEqual(
    seededTensor("model.norm.weight", [32]),
  );
  const size = server.contents.get("model.safetensors")!.length;
  const later = bodies(server.requests).filter((request) =>
    request.startsWith("model.safetensors"),
  );
  expect(later).toHaveLength(3);
  expect(later[1]).toMatch(new RegExp(String.raw`bytes=\d+-${size - 1}$`));
  expect(Number(/bytes=(\d+)/.exec(later[1]!)![1])).toBeGreaterThan(0);
});

test("a run that is given up leaves what it has, and the next one goes on from there", async () => {
  const server = await hubServer(id, await contents());
  const hub = { endpoint: server.endpoint, cacheFolder: await temporaryFolder() };
  let given = 0;
  const dying: typeof fetch = async (input, init) => {
    const range = new Headers(init?.headers).get("range");
    const url = input instanceof Request ? input.url : String(input);
    if (url.endsWith("model.safetensors") && range !== "bytes=0-0" && given++ > 0)
      throw new TypeError("fetch failed");
    return fetch(input, init);
  };
  server.cuts.set("model.safetensors", [20_000]);
  await expect(openCheckpoint(id, { hub: { ...hub, fetch: dying } })).rejects.toThrow(
    /broke off after \d+ of \d+ bytes; run it again/,
  );
  await using checkpoint = await openCheckpoint(id, { hub });
  expect(await checkpoint.read("model.norm.weight")).toEqual(
    seededTensor("model.norm.weight", [32]),
  );
});

test("content that is not the hub's is refused and not kept", async () => {
  const files = await contents();
  const server = await hubServer(id, files);
  const cacheFolder = await temporaryFolder();
  const damaging: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = input instanceof Request ? input.url : String(input);
    const whole =
      url.endsWith("config.json") && new Headers(init?.headers).get("range") !== "bytes=0-0";
    return whole
      ? new Response((await response.text()).replace("llama", "lllll"), response)
      : response;
  };
  const hub = { endpoint: server.endpoint, cacheFolder };
  await expect(openCheckpoint(id, { hub: { ...hub, fetch: damaging } })).rejects.toThrow(
    "config.json of someone/tiny-llama arrived damaged",
  );
  await using checkpoint = await openCheckpoint(id, { hub });
  expect(checkpoint.decoder.family).toBe("llama");
});

test("a model that is closed, unknown, or without safetensors", async () => {
  const files = await contents();
  const closed = await hubServer(id, files, "secret");
  const cacheFolder = await temporaryFolder();
  const hub = { endpoint: closed.endpoint, cacheFolder };
  await expect(openCheckpoint(id, { hub })).rejects.toThrow("set HF_TOKEN");
  await using opened = await openCheckpoint(id, { hub: { ...hub, token: "hf_wrong" } }).catch(
    () => undefined!,
  );
  expect(opened).toBeUndefined();
  await expect(
    openCheckpoint("someone/else", { hub: { ...(await open(files)), cacheFolder } }),
  ).rejects.toThrow("the hub has no such model");
  const bare = new Map([...files].filter(([name]) => !name.endsWith(".safetensors")));
  await expect(openCheckpoint(id, { hub: { ...(await open(bare)), cacheFolder } })).rejects.toThrow(
    "it has no safetensors",
  );
});

const open = async (files: ReadonlyMap<string, Uint8Array>): Promise<{ endpoint: string }> => ({
  endpoint: (await hubServer(id, files)).endpoint,
});

test("without a network, what was downloaded before is used; nothing else", async () => {
  const server = await hubServer(id, await contents());
  const hub = { endpoint: server.endpoint, cacheFolder: await temporaryFolder() };
  await (await openCheckpoint(id, { hub }))[Symbol.asyncDispose]();
  await server.close();
  await using checkpoint = await openCheckpoint(id, { hub });
  expect(checkpoint.decoder.layers).toBe(3);
  await expect(openCheckpoint("someone/else", { hub })).rejects.toThrow(
    "the hub cannot be reached",
  );
});

test("endpoint, token and cache come from the environment", async () => {
  const server = await hubServer(id, await contents(), "hf_secret");
  const home = await temporaryFolder();
  vi.stubEnv("HF_ENDPOINT", server.endpoint);
  vi.stubEnv("HF_TOKEN", "hf_secret");
  vi.stubEnv("HF_HOME", home);
  vi.stubEnv("HF_HUB_CACHE", undefined);
  vi.stubEnv("HUGGINGFACE_HUB_CACHE", undefined);
  await using checkpoint = await openCheckpoint(id);
  expect(checkpoint.folder).toBe(join(home, "hub/models--someone--tiny-llama/snapshots", commit));
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  const before = server.requests.length;
  await using again = await openCheckpoint(id);
  expect(again.folder).toBe(checkpoint.folder);
  expect(server.requests).toHaveLength(before);
});
afterEach(() => vi.unstubAllEnvs());
