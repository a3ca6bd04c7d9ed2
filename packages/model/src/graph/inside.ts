import { PostgradError } from "@postgrad/schema";

import { files } from "#files";

import type { FileRange, Graph } from "./graph.ts";

/** `graph` with the weights that lie in files read into it, for runtimes that map no files. `read` gives the bytes of a range. */
export async function withWeightsInside(
  graph: Graph,
  read: (range: FileRange) => Promise<Uint8Array> = readRange,
): Promise<Graph> {
  const initializers = [];
  for (const { value, data } of graph.initializers) {
    initializers.push({ value, data: data instanceof Uint8Array ? data : await read(data) });
  }
  return { ...graph, initializers };
}

async function readRange({ path, offset, length }: FileRange): Promise<Uint8Array> {
  const slash = path.lastIndexOf("/");
  await using file = await files.open(path.slice(0, slash), path.slice(slash + 1));
  if (file) return file.read(offset, length);
  throw new PostgradError(
    "model/no-weights",
    `${path}, which the graph takes weights from, is gone`,
  );
}
