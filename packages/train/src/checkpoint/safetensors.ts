import { open } from "node:fs/promises";

/** Tensors by name: shape and float32 data, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The header of a safetensors file, padded so that the data begins at a multiple of 8. */
export function safetensorsHeader(
  tensors: ReadonlyMap<string, FloatTensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let offset = 0;
  const entries: Record<string, unknown> = { __metadata__: metadata };
  for (const [name, { shape, data }] of tensors) {
    entries[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

/** Writes tensors as float32 safetensors, one after another, and syncs the file to the disk. */
export async function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, FloatTensor>,
  metadata: Readonly<Record<string, string>> = { format: "pt" },
): Promise<void> {
  await using handle = await open(file, "w");
  await handle.write(safetensorsHeader(tensors, metadata));
  for (const { data } of tensors.values()) {
    await writeAll(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await handle.sync();
}

/** A write may take less than it was given; large ones go in pieces. */
async function writeAll(
  handle: Awaited<ReturnType<typeof open>>,
  bytes: Uint8Array,
): Promise<void> {
  const piece = 2 ** 26;
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at, Math.min(piece, bytes.length - at));
    at += bytesWritten;
  }
}
