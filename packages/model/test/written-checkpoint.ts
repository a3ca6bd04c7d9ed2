import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { decoderOf, writeSafetensors } from "../src/index.ts";
import { toBfloat16, toFloat16 } from "../src/safetensors/half.ts";
import { seededTensors } from "./seeded-weights.ts";

/** Element types that checkpoints are stored in. */
export type StoredType = "F32" | "F16" | "BF16";

const encoded: Readonly<Record<StoredType, (values: Float32Array) => ArrayBufferView>> = {
  F32: (values) => values,
  F16: toFloat16,
  BF16: toBfloat16,
};

/** The configuration of one of fixtures/families. */
export const familyConfig = (family: string): Record<string, unknown> =>
  JSON.parse(
    readFileSync(`${import.meta.dirname}/fixtures/families/${family}/config.json`, "utf8"),
  ) as Record<string, unknown>;

/** Writes a seeded checkpoint of one of fixtures/families, in one file or several; `changes` puts a number into tensors. */
export async function writeCheckpoint(
  folder: string,
  family: string,
  dtype: StoredType = "F32",
  shards = 1,
  changes: Readonly<Record<string, number>> = {},
): Promise<void> {
  const config = familyConfig(family);
  const decoder = decoderOf(config);
  const tensors = [...seededTensors(decoder)].map(([name, values]) => {
    if (name in changes) values[7] = changes[name]!;
    const { buffer, byteOffset, byteLength } = encoded[dtype](values);
    return {
      name,
      dtype,
      shape: decoder.tensors.get(name)!,
      data: () => new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
    };
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  if (shards === 1) return writeSafetensors(join(folder, "model.safetensors"), tensors);
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const name = `model-${String(shard + 1).padStart(5, "0")}-of-${String(shards).padStart(5, "0")}.safetensors`;
    const part = tensors.filter((_, index) => index % shards === shard);
    for (const tensor of part) weight_map[tensor.name] = name;
    await writeSafetensors(join(folder, name), part);
  }
  await writeFile(
    join(folder, "model.safetensors.index.json"),
    JSON.stringify({ metadata: {}, weight_map }),
  );
}
