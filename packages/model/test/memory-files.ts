import { PostgradError } from "@postgrad/schema";

import type { Files } from "../src/index.ts";

/** Files that are bytes in memory, all in one folder: what loaders are fuzzed with. */
export const memoryFiles = (contents: Readonly<Record<string, Uint8Array | string>>): Files => ({
  async open(folder, name) {
    const content = contents[name];
    if (content === undefined) return undefined;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    return {
      path: `${folder}/${name}`,
      size: bytes.length,
      read: async (offset, length) => {
        if (offset + length > bytes.length) throw new PostgradError("model/truncated", "cut");
        return Uint8Array.from(bytes.subarray(offset, offset + length));
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
});

/** A safetensors file from a header, whatever the header says, and data. */
export function safetensors(
  header: unknown,
  data: Uint8Array = new Uint8Array(),
  length?: bigint,
): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}
