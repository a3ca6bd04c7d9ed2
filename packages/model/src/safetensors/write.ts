import { PostgradError } from "@postgrad/schema";

import { writeAtomically } from "#files";

import { elementBytes } from "./element-types.ts";

/** A tensor that is to be written: what it is, and its bytes when their turn comes. */
export interface TensorToWrite {
  readonly name: string;
  /** Element type as the format names it: `F32`, `F16`, `BF16`, `U8` ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian bytes, whole or in pieces; asked for once, in the order of the tensors. */
  readonly data: () => Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * Writes a safetensors file tensor by tensor, so that no more than one is in memory. The file appears under its name when it
 * is whole: a process that is killed leaves the old one, or none. Files only, hence not in the browser.
 *
 * Throws `model/safetensors` for a tensor whose bytes do not fit its shape, `model/unwritable` where the disk refuses.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  const header = Object.create(null) as Record<string, unknown>; // a tensor may be called __proto__
  header["__metadata__"] = metadata;
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const begin = end;
    end += lengthOf({ name, dtype, shape });
    if (Object.hasOwn(header, name)) throw wrong(path, `two tensors are called "${name}"`);
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  await writeAtomically(path, pieces(path, header, tensors));
}

/** The header, padded to a multiple of 8 bytes so that the data is aligned, then the data. */
async function* pieces(
  path: string,
  header: Readonly<Record<string, unknown>>,
  tensors: readonly TensorToWrite[],
): AsyncGenerator<Uint8Array> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(32);
  new DataView(start.buffer).setBigUint64(0, BigInt(start.length - 8), true);
  start.set(json, 8);
  yield start;
  for (const tensor of tensors) {
    let length = 0;
    for await (const piece of piecesOf(await tensor.data())) {
      length += piece.length;
      yield piece;
    }
    const needed = lengthOf(tensor);
    if (length !== needed)
      throw wrong(path, `"${tensor.name}" takes ${needed} bytes, ${length} were given`);
  }
}

async function* piecesOf(data: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (data instanceof Uint8Array) yield data;
  else yield* data;
}

function lengthOf({ name, dtype, shape }: Pick<TensorToWrite, "name" | "dtype" | "shape">): number {
  const bytes = elementBytes.get(dtype);
  if (bytes === undefined) throw wrong(name, `"${dtype}" is no element type of the format`);
  return shape.reduce((product, size) => product * size, bytes);
}

const wrong = (path: string, what: string): PostgradError =>
  new PostgradError("model/safetensors", `${path}: ${what}`);
