import type { TensorToWrite } from "@postgrad/model";

/** A float32 tensor as it is written; `data` is asked for when its turn comes, so that one at a time is in memory. */
export function floatTensor(
  name: string,
  shape: readonly number[],
  data: () => Float32Array,
): TensorToWrite {
  const bytes = (): Uint8Array => {
    const { buffer, byteOffset, byteLength } = data();
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
  return { name, dtype: "F32", shape, data: bytes };
}
