import { readFile } from "node:fs/promises";

/** The float32 tensors of a safetensors file that this package wrote, flat, by name. */
export async function readFloats(file: string): Promise<Map<string, Float32Array>> {
  const bytes = await readFile(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { readonly data_offsets: readonly [number, number] }
  >;
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  return new Map(
    names.map((name) => {
      const [from, to] = header[name]!.data_offsets;
      // A copy of its own, aligned, so that the file's bytes can be freed.
      return [
        name,
        new Float32Array(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer),
      ];
    }),
  );
}
