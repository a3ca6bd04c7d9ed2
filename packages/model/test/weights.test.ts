import { readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, describe, expect, test, vi } from "vitest";

import { loadWeights, openCheckpoint, type WeightOptions } from "../src/index.ts";
import { distance, PlainDecoding } from "./decoding.ts";
import { seededWeights } from "./seeded-weights.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { type StoredType, writeCheckpoint } from "./written-checkpoint.ts";

const ids = [7, 7, 21, 46, 30, 12, 44, 8, 19, 2];

/** How far the last logits are from those of float32, over their own spread. */
async function deviation(
  family: string,
  options: WeightOptions,
  dtype: StoredType = "F32",
): Promise<number> {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, family, dtype);
  await using checkpoint = await openCheckpoint(folder);
  const weights = await loadWeights(checkpoint, { cacheFolder: join(folder, "cache"), ...options });
  const logits = async (source: typeof weights): Promise<Float32Array> => {
    const decoding = await PlainDecoding.open(checkpoint.decoder, source);
    decoding.start(1);
    return (await decoding.step([ids])).logits[0]!;
  };
  const exact = await logits(seededWeights(checkpoint.decoder));
  const mean = exact.reduce((sum, logit) => sum + logit, 0) / exact.length;
  const spread = Math.sqrt(
    exact.reduce((sum, logit) => sum + (logit - mean) ** 2, 0) / exact.length,
  );
  return distance(await logits(weights), exact) / spread;
}

describe.each(["llama-biases-tied", "qwen2", "phi3", "opt-350m"])("%s", (family) => {
  test.each<[string, WeightOptions, number]>([
    ["fp32, where it lies", {}, 1e-5],
    ["fp16", { format: "fp16" }, 0.01],
    ["int8", { format: "int8" }, 0.2],
    ["int8, asymmetric", { format: "int8", symmetric: false }, 0.2],
    ["int4", { format: "int4" }, 1],
    ["int4, asymmetric, block 16", { format: "int4", symmetric: false, block: 16 }, 1],
    [
      "int4 with an int8 head",
      { format: "int4", formatOf: (name) => (/lm_head|embed/.test(name) ? "int8" : undefined) },
      1,
    ],
    [
      "int4 with an fp32 head",
      { format: "int4", formatOf: (name) => (/lm_head|embed/.test(name) ? "fp32" : undefined) },
      1,
    ],
  ])("%s", async (_, options, tolerance) => {
    expect(await deviation(family, options)).toBeLessThan(tolerance);
  });
});

test("what is stored in half precision is converted from there", async () => {
  expect(await deviation("llama", { format: "fp16" }, "F16")).toBeLessThan(0.01);
  expect(await deviation("llama", { format: "fp16" }, "BF16")).toBeLessThan(0.1);
  expect(await deviation("llama", { format: "int8" }, "BF16")).toBeLessThan(0.2);
});

test("converted weights are made once, and anew for other content or other options", async () => {
  const folder = await temporaryFolder();
  const cacheFolder = join(folder, "cache");
  const convert = async (family: string, options: WeightOptions): Promise<readonly string[]> => {
    await writeCheckpoint(join(folder, "model"), family);
    await using checkpoint = await openCheckpoint(join(folder, "model"));
    await loadWeights(checkpoint, { cacheFolder, ...options });
    return readdir(join(cacheFolder, "weights"));
  };
  const [first] = await convert("llama", { format: "int4" });
  const old = new Date(0);
  await utimes(join(cacheFolder, "weights", first!), old, old);
  expect(await convert("llama", { format: "int4" })).toEqual([first]);
  expect((await stat(join(cacheFolder, "weights", first!))).mtimeMs).toBe(0);
  expect(await convert("llama", { format: "int8" })).toHaveLength(2);
  expect(await convert("llama", { format: "int4", block: 16 })).toHaveLength(3);
  expect(await convert("llama-biases-tied", { format: "int4" })).toHaveLength(4);
});

test("as fp32, or as they are stored, nothing is written", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama", "F16");
  await using checkpoint = await openCheckpoint(folder);
  await loadWeights(checkpoint, { format: "fp16", cacheFolder: join(folder, "cache") });
  await loadWeights(checkpoint, { cacheFolder: join(folder, "cache") });
  expect(await readdir(folder)).not.toContain("cache");
});

test("the cache lies where the environment says", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  vi.stubEnv("POSTGRAD_CACHE", join(folder, "own"));
  await using checkpoint = await openCheckpoint(folder);
  await loadWeights(checkpoint, { format: "int8" });
  expect(await readdir(join(folder, "own"))).toContain("weights");
});
afterEach(() => vi.unstubAllEnvs());

test.each([Number.NaN, Infinity])(
  "a weight that is %d is refused by its tensor's name",
  async (wrong) => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, "llama", "F32", 1, {
      "model.layers.1.mlp.up_proj.weight": wrong,
    });
    await using checkpoint = await openCheckpoint(folder);
    for (const symmetric of [true, false]) {
      const options = { format: "int4", symmetric, cacheFolder: join(folder, "cache") } as const;
      await expect(loadWeights(checkpoint, options)).rejects.toThrow(
        "model.layers.1.mlp.up_proj.weight is NaN or infinite",
      );
    }
  },
);

test("an impossible block is refused", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  await using checkpoint = await openCheckpoint(folder);
  await expect(loadWeights(checkpoint, { format: "int4", block: 24 })).rejects.toThrow(
    "block is 24; supported: 16, 32",
  );
});
