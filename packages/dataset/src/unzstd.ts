import { type ZstdDecompress, createZstdDecompress } from "node:zlib";

/**
 * Unpacks zstd of any number of frames. Node's own stream ends after the first frame without a word, and parallel
 * packers (pzstd, or `cat a.zst b.zst`) write many.
 */
export async function* unzstd(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = packed[Symbol.asyncIterator]();
  try {
    let first = await next(chunks);
    do {
      const frame = createZstdDecompress({ chunkSize: 1 << 18 });
      const rest = feed(frame, first ?? Buffer.alloc(0), chunks);
      rest.catch(() => undefined); // awaited below, unless the frame itself fails first
      for await (const bytes of frame) yield bytes as Buffer;
      first = await rest;
    } while (first !== undefined);
  } finally {
    await chunks.return?.();
  }
}

/** Feeds one decompressor until it stops taking bytes; resolves with the bytes of the next frame, if any. */
async function feed(
  frame: ZstdDecompress,
  first: Buffer,
  chunks: AsyncIterator<Buffer>,
): Promise<Buffer | undefined> {
  for (let chunk: Buffer | undefined = first; chunk; chunk = await next(chunks)) {
    const before = frame.bytesWritten;
    await taken(frame, chunk);
    const used = frame.bytesWritten - before;
    if (used < chunk.length) return chunk.subarray(used);
  }
  frame.end();
  return undefined;
}

/** Resolves when the decompressor has taken what it will take of `chunk`; its failure is seen by who reads from it. */
function taken(frame: ZstdDecompress, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    frame.once("close", resolve);
    frame.write(chunk, () => {
      frame.off("close", resolve);
      resolve();
    });
  });
}

async function next(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  const { done, value } = await chunks.next();
  return done ? undefined : value;
}
