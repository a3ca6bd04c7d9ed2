import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";

import { type FileRange, type Graph, type Initializer, toOnnx } from "@postgrad/model";

/** Bytes of weights up to which a model is one file; protobuf itself stops at 2 GiB. */
const inlineLimit = 2 ** 30;
const pieceBytes = 2 ** 24;

/**
 * Writes `graph` to `path` with all its weights, wherever they lie now: in the file itself, or, where they are more than
 * 1 GiB, in `path` + `_data`. Returns whether there is such a second file.
 */
export async function writeOnnx(graph: Graph, path: string, limit = inlineLimit): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const total = graph.initializers.reduce((sum, { data }) => sum + data.length, 0);
  const isApart = total > limit;
  const initializers = isApart
    ? await apart(graph.initializers, `${path}_data`)
    : await inline(graph.initializers);
  await writeFile(path, toOnnx({ ...graph, initializers }).bytes);
  return isApart;
}

async function inline(initializers: readonly Initializer[]): Promise<Initializer[]> {
  const whole: Initializer[] = [];
  for (const { value, data } of initializers) {
    const parts: Uint8Array[] = [];
    for await (const piece of pieces(data)) parts.push(piece);
    whole.push({ value, data: parts.length === 1 ? parts[0]! : Buffer.concat(parts) });
  }
  return whole;
}

/** Lays large weights end to end in one file, one piece in memory at a time; small ones stay with the graph. */
async function apart(initializers: readonly Initializer[], path: string): Promise<Initializer[]> {
  await using file = await open(path, "w");
  const moved: Initializer[] = [];
  let offset = 0;
  for (const initializer of initializers) {
    const { value, data } = initializer;
    if (data.length < 1024) {
      moved.push(...(await inline([initializer])));
      continue;
    }
    let at = offset;
    for await (const piece of pieces(data)) {
      await file.write(piece, 0, piece.length, at);
      at += piece.length;
    }
    // The runtime resolves the file's name beside the model.
    const place: FileRange = { path: `/${basename(path)}`, offset, length: data.length };
    moved.push({ value, data: place });
    offset = Math.ceil(at / 4096) * 4096;
  }
  return moved;
}

async function* pieces(data: Uint8Array | FileRange): AsyncGenerator<Uint8Array, void> {
  if (data instanceof Uint8Array) {
    yield data;
    return;
  }
  const file: FileHandle = await open(data.path);
  try {
    for (let at = 0; at < data.length; at += pieceBytes) {
      const piece = new Uint8Array(Math.min(pieceBytes, data.length - at));
      await file.read(piece, 0, piece.length, data.offset + at);
      yield piece;
    }
  } finally {
    await file.close();
  }
}
