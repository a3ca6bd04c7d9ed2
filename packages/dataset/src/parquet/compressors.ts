import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";

import type { Compressors as Decompressors } from "hyparquet";
import { compressors } from "hyparquet-compressors";

/** Every codec of Parquet: Node's own where it has one, else the pure JavaScript or WebAssembly ones of hyparquet. */
export const decompressors: Decompressors = {
  ...compressors,
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
  // Node reads one frame only; a page of several, which is rare, goes to the decoder that reads all.
  ZSTD: (bytes, length) => {
    const page = zstdDecompressSync(bytes);
    return page.length === length ? page : compressors.ZSTD!(bytes, length);
  },
};

/** Packs a page as it is written, at the level that Arrow writes with: the higher ones cost more than they save here. */
export const zstd = (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes, fast);

const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: 1 << 20 };
