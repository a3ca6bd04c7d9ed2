import { cacheFolder as platformCache, contentKey, files } from "#files";

import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { WeightSource } from "../decode.ts";
import type { FileRange } from "../graph/graph.ts";
import { readSafetensorsHeader } from "../safetensors/header.ts";
import { type TensorToWrite, writeSafetensors } from "../safetensors/write.ts";
import { type ConvertedTensor, convertedWeights } from "./quantized.ts";
import { formatOf, joinedName, storedTensors } from "./stored-tensors.ts";
import { storedWeights } from "./stored.ts";
import type { WeightOptions } from "./weight-format.ts";

/** Part of every key: a change of the layout or of the arithmetic takes a new number. */
const version = 1;

/**
 * Weights for decode graphs, in the format that is asked for. `fp32`, and a checkpoint that is stored as it is asked for,
 * are read where they lie. Everything else is converted once, a few rows at a time, into a file of the cache that is named
 * after the content of the checkpoint and the options; in the browser, which has no files, into memory.
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  options: WeightOptions = {},
): Promise<WeightSource> {
  const original = storedWeights(checkpoint.decoder, (name) => checkpoint.place(name));
  if (isAsStored(checkpoint, options)) return original;
  const folder = options.cacheFolder ?? platformCache();
  const converted =
    folder === undefined
      ? await inMemory(checkpoint, options)
      : await inCache(checkpoint, options, folder);
  return convertedWeights(checkpoint.decoder, (name) => converted.get(name), original, options);
}

/** Nothing to convert: every linear layer is wanted as float32 (which graphs make of any type), or as it is stored. */
function isAsStored(checkpoint: Checkpoint, options: WeightOptions): boolean {
  return checkpoint.decoder.projections.every((linears) => {
    const format = formatOf(linears, options);
    return (
      format === "fp32" ||
      (format === "fp16" &&
        linears.every(({ weight }) => checkpoint.place(weight).type === "float16"))
    );
  });
}

async function inCache(
  checkpoint: Checkpoint,
  options: WeightOptions,
  folder: string,
): Promise<ReadonlyMap<string, ConvertedTensor>> {
  const name = `${await keyOf(checkpoint, options)}.safetensors`;
  const weights = `${folder}/weights`;
  await using known = await files.open(weights, name);
  if (!known)
    await writeSafetensors(`${weights}/${name}`, storedTensors(checkpoint, options), {
      format: "postgrad",
    });
  await using file = known ?? (await files.open(weights, name))!;
  const entries = await readSafetensorsHeader(file);
  return new Map(
    [...entries].map(([tensor, { dtype, shape, offset, length }]) => {
      const data: FileRange = { path: file.path, offset, length };
      return [tensor, { type: types[dtype]!, shape, data }];
    }),
  );
}

async function inMemory(
  checkpoint: Checkpoint,
  options: WeightOptions,
): Promise<ReadonlyMap<string, ConvertedTensor>> {
  const converted = new Map<string, ConvertedTensor>();
  for (const tensor of storedTensors(checkpoint, options)) {
    converted.set(tensor.name, {
      type: types[tensor.dtype]!,
      shape: tensor.shape,
      data: await joined(tensor),
    });
  }
  return converted;
}

async function joined({ data }: TensorToWrite): Promise<Uint8Array> {
  const given = await data();
  if (given instanceof Uint8Array) return given;
  const parts = await Array.fromAsync(given);
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A name made of the content of the weights, the configuration, and what is done to them. */
async function keyOf(checkpoint: Checkpoint, options: WeightOptions): Promise<string> {
  const { block = 32, symmetric = true } = options;
  const formats = checkpoint.decoder.projections.map((linears) => [
    joinedName(linears),
    formatOf(linears, options),
  ]);
  return contentKey(
    checkpoint.files,
    JSON.stringify({ version, config: checkpoint.config, formats, block, symmetric }),
    options.cacheFolder ?? platformCache()!,
  );
}

const types: Readonly<Record<string, ConvertedTensor["type"]>> = {
  F32: "float32",
  F16: "float16",
  U8: "uint8",
};
