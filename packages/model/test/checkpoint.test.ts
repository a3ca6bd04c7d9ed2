import { readFileSync } from "node:fs";
import { rename, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { PostgradError } from "@postgrad/schema";
import fc from "fast-check";
import { expect, test } from "vitest";

import { openCheckpoint, storedWeights } from "../src/index.ts";
import { distance, PlainDecoding } from "./decoding.ts";
import { memoryFiles, safetensors } from "./memory-files.ts";
import { seededTensor } from "./seeded-weights.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { familyConfig, type StoredType, writeCheckpoint } from "./written-checkpoint.ts";

const expectedOf = (family: string) =>
  JSON.parse(
    readFileSync(`${import.meta.dirname}/fixtures/families/${family}/expected.json`, "utf8"),
  ) as { cases: { ids: number[]; last_logits: number[] }[] };

const stored: readonly [StoredType, number, number][] = [
  ["F32", 1, 1e-4],
  ["F32", 3, 1e-4],
  ["F16", 1, 0.05],
  ["BF16", 2, 0.4],
];

test.each(stored)(
  "%s in %i file(s): the graphs read the weights where they lie",
  async (dtype, shards, tolerance) => {
    const folder = await temporaryFolder();
    await writeCheckpoint(folder, "llama", dtype, shards);
    await using checkpoint = await openCheckpoint(folder);
    const source = storedWeights(checkpoint.decoder, (name) => checkpoint.place(name));
    const decoding = await PlainDecoding.open(checkpoint.decoder, source);
    const { ids, last_logits } = expectedOf("llama").cases[1]!;
    decoding.start(1);
    const { logits } = await decoding.step([ids]);
    expect(distance(logits[0]!, last_logits)).toBeLessThan(tolerance);
  },
);

test("through links, as the hub's cache has them", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  await rename(join(folder, "model.safetensors"), join(folder, "0123abcd"));
  await symlink("0123abcd", join(folder, "model.safetensors"));
  await using checkpoint = await openCheckpoint(folder);
  expect(checkpoint.place("lm_head.weight").data.path).toBe(join(folder, "0123abcd"));
});

test("tensors and rows of them are read as float32", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "opt-350m");
  await using checkpoint = await openCheckpoint(folder);
  const name = "model.decoder.project_in.weight";
  const all = seededTensor(name, [32, 16]);
  expect(await checkpoint.read(name)).toEqual(all);
  expect(await checkpoint.readRows(name, 2, 5)).toEqual(all.slice(32, 80));
});

test("a checkpoint of the base model, without the prefix, loads too", async () => {
  const config = familyConfig("llama");
  const tensors = { "embed_tokens.weight": [48, 32], "model.norm.weight": [32] };
  await expect(openInMemory(config, tensors)).rejects.toThrow(
    'the tensor "model.layers.0.input_layernorm.weight"',
  );
});

test("what the settings of generation say", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  await writeFile(
    join(folder, "generation_config.json"),
    JSON.stringify({ eos_token_id: [3, 7], temperature: 0.6 }),
  );
  await using checkpoint = await openCheckpoint(folder);
  const { endTokens, beginToken, padToken, settings } = await checkpoint.generation();
  expect({ endTokens, beginToken, padToken }).toEqual({
    endTokens: [3, 7],
    beginToken: 2,
    padToken: 1,
  });
  expect(settings["temperature"]).toBe(0.6);
  expect(await checkpoint.tokenizer()).toBeUndefined();
});

function openInMemory(
  config: unknown,
  tensors: Readonly<Record<string, readonly number[]>>,
  dtype = "F32",
) {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, shape]) => {
      const begin = end;
      end += shape.reduce((product, size) => product * size, dtype === "I64" ? 8 : 4);
      return [name, { dtype, shape, data_offsets: [begin, end] }];
    }),
  );
  const files = memoryFiles({
    "config.json": JSON.stringify(config),
    "model.safetensors": safetensors(header, new Uint8Array(end)),
  });
  return openCheckpoint("memory", { files });
}

test("tensors that do not fit the configuration are named", async () => {
  const config = familyConfig("llama");
  await expect(openInMemory(config, {})).rejects.toThrow(
    '"model.embed_tokens.weight" of config.json\'s llama is missing',
  );
  await expect(openInMemory(config, { "model.embed_tokens.weight": [48, 16] })).rejects.toThrow(
    "has the shape [48, 16], config.json says [48, 32]",
  );
  await expect(
    openInMemory(config, { "model.embed_tokens.weight": [48, 32] }, "I64"),
  ).rejects.toThrow("is stored as I64");
  const all = { "model.embed_tokens.weight": [48, 32], "base_model.model.lora_A.weight": [4] };
  await expect(openInMemory({ ...config, num_hidden_layers: 3 }, all)).rejects.toThrow(
    PostgradError,
  );
});

test("an adapter beside the weights is refused by name", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama", "F32", 2);
  const index = JSON.parse(readFileSync(join(folder, "model.safetensors.index.json"), "utf8")) as {
    weight_map: Record<string, string>;
  };
  index.weight_map["lora_A"] = "model-00001-of-00002.safetensors";
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
  await expect(openCheckpoint(folder)).rejects.toThrow('has no tensor "lora_A"');
});

test.each([
  ["config.json", "{", "config.json is no JSON"],
  [
    "config.json",
    '{"model_type": "llama", "rms_norm_eps": NaN}',
    "has the value NaN, which JSON has not",
  ],
  ["config.json", "[]", "holds no JSON object"],
  ["generation_config.json", '{"eos_token_id": "three"}', 'eos_token_id is "three"'],
  ["tokenizer.json", '{"model": {"type": "Unheard"}}', "tokenizer.json is not understood"],
])("%s with %s: a clear error", async (name, content, message) => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  await writeFile(join(folder, name), content);
  const use = async (): Promise<void> => {
    await using checkpoint = await openCheckpoint(folder);
    await checkpoint.generation();
    await checkpoint.tokenizer();
  };
  await expect(use()).rejects.toThrow(message);
});

test("a folder that is missing, empty, or has other weights", async () => {
  const folder = await temporaryFolder();
  await expect(openCheckpoint(join(folder, "nowhere/at/all"))).rejects.toThrow(
    "there is no such folder",
  );
  await expect(openCheckpoint(folder)).rejects.toThrow("has no config.json");
  await writeFile(join(folder, "config.json"), JSON.stringify(familyConfig("llama")));
  await expect(openCheckpoint(folder)).rejects.toThrow("has neither model.safetensors nor");
});

test("shards that lead out of the folder are refused", async () => {
  const files = memoryFiles({
    "config.json": JSON.stringify(familyConfig("llama")),
    "model.safetensors.index.json": JSON.stringify({
      weight_map: { "lm_head.weight": "../../etc/passwd" },
    }),
  });
  await expect(openCheckpoint("memory", { files })).rejects.toThrow('the file "../../etc/passwd"');
});

test("a file cut anywhere is refused", async () => {
  const folder = await temporaryFolder();
  await writeCheckpoint(folder, "llama");
  const file = join(folder, "model.safetensors");
  for (const size of [60_000, 3000, 100, 9, 8, 3, 0]) {
    await truncate(file, size);
    await expect(openCheckpoint(folder)).rejects.toThrow("is no whole safetensors file");
  }
});

const entry = (dtype: string, shape: readonly unknown[], offsets: readonly unknown[]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});
const four = new Uint8Array(4);

test.each<[string, Uint8Array, string]>([
  [
    "an absurd header size",
    safetensors("{}", four, 2n ** 63n),
    "header should have 9223372036854775808 bytes",
  ],
  ["a header beyond the file", safetensors("{}", four, 7n), "header should have 7 bytes"],
  ["no JSON", safetensors("{]"), "is no JSON"],
  ["no object", safetensors("[1]"), "is no JSON object"],
  [
    "a name twice",
    safetensors(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      four,
    ),
    'names "a" twice',
  ],
  [
    "a field twice",
    safetensors('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four),
    'names "dtype" twice',
  ],
  [
    "an unknown type",
    safetensors({ a: entry("F31", [1], [0, 4]) }, four),
    'unknown element type "F31"',
  ],
  [
    "a type from Object",
    safetensors({ a: entry("constructor", [1], [0, 4]) }, four),
    "unknown element type",
  ],
  ["a negative size", safetensors({ a: entry("F32", [-1], [0, 4]) }, four), "has the shape [-1]"],
  ["a broken size", safetensors({ a: entry("F32", [1.5], [0, 4]) }, four), "has the shape [1.5]"],
  [
    "a size past all numbers",
    safetensors({ a: entry("F32", [2 ** 52, 2 ** 52], [0, 4]) }, four),
    "its shape",
  ],
  ["turned offsets", safetensors({ a: entry("F32", [1], [4, 0]) }, four), "has the offsets [4,0]"],
  ["one offset", safetensors({ a: entry("F32", [1], [0]) }, four), "has the offsets [0]"],
  [
    "offsets that do not fit the shape",
    safetensors({ a: entry("F32", [2], [0, 4]) }, four),
    "has 4 bytes, its shape [2] of F32 takes 8",
  ],
  [
    "offsets past the end",
    safetensors({ a: entry("F32", [2], [0, 8]) }, four),
    "its data should end",
  ],
  [
    "bytes behind the end",
    safetensors({ a: entry("U8", [3], [0, 3]) }, four),
    "its data should end",
  ],
  [
    "an overlap",
    safetensors({ a: entry("U8", [3], [0, 3]), b: entry("U8", [2], [2, 4]) }, four),
    '"b" begins at byte',
  ],
  [
    "a hole",
    safetensors({ a: entry("U8", [1], [0, 1]), b: entry("U8", [2], [2, 4]) }, four),
    '"b" begins at byte',
  ],
  ["null", safetensors({ a: null }), "unknown element type"],
])("a header with %s: a clear error", async (_, bytes, message) => {
  const files = memoryFiles({
    "config.json": JSON.stringify(familyConfig("llama")),
    "model.safetensors": bytes,
  });
  await expect(openCheckpoint("memory", { files })).rejects.toThrow(message);
});

test("whatever the bytes, opening ends in a PostgradError", async () => {
  const config = JSON.stringify(familyConfig("llama"));
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => safetensors(json)),
    fc
      .dictionary(
        fc.string(),
        fc.record(
          {
            dtype: fc.constantFrom("F32", "U8", "x", 3),
            shape: fc.anything(),
            data_offsets: fc.anything(),
          },
          { requiredKeys: [] },
        ),
      )
      .map((header) => safetensors(JSON.stringify(header) ?? "", four)),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      const files = memoryFiles({ "config.json": config, "model.safetensors": bytes });
      await expect(openCheckpoint("memory", { files })).rejects.toBeInstanceOf(PostgradError);
    }),
    { numRuns: 300 },
  );
});

test("whatever the configuration, reading it ends in a decoder or a PostgradError", async () => {
  const config = familyConfig("phi3-longrope");
  const changed = fc.tuple(
    fc.constantFrom(...Object.keys(config), "rope_parameters", "layer_types"),
    fc.jsonValue(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(changed, { minLength: 1, maxLength: 3 }), async (changes) => {
      const files = memoryFiles({
        "config.json": JSON.stringify({ ...config, ...Object.fromEntries(changes) }),
      });
      await expect(openCheckpoint("memory", { files })).rejects.toBeInstanceOf(PostgradError);
    }),
    { numRuns: 500 },
  );
});

test("whatever the index of shards, opening ends in a PostgradError", async () => {
  const shard = fc.oneof(fc.constant("a.safetensors"), fc.string(), fc.jsonValue());
  const maps = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), shard));
  await fc.assert(
    fc.asyncProperty(maps, async (weight_map) => {
      const files = memoryFiles({
        "config.json": JSON.stringify(familyConfig("llama")),
        "model.safetensors.index.json": JSON.stringify({ weight_map }),
        "a.safetensors": safetensors({ a: entry("F32", [1], [0, 4]) }, four),
      });
      await expect(openCheckpoint("memory", { files })).rejects.toBeInstanceOf(PostgradError);
    }),
    { numRuns: 200 },
  );
});
