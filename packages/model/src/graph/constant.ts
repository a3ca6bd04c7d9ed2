import { PostgradError } from "@postgrad/schema";

import { type DataType, dataTypes } from "./data-type.ts";

/** Numbers to make a constant from. */
export type NumberList = ArrayLike<number>;

/** The little-endian bytes of `numbers` as `type`. */
export function constantBytes(type: DataType, numbers: NumberList): Uint8Array {
  const bytes = new Uint8Array(numbers.length * dataTypes[type].bytes);
  const write = writers[type];
  if (!write)
    throw new PostgradError(
      "model/constant-type",
      `no constants of type ${type} are made from numbers`,
    );
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < numbers.length; index++) {
    write(view, index * dataTypes[type].bytes, numbers[index]!);
  }
  return bytes;
}

const writers: Partial<Record<DataType, (view: DataView, at: number, value: number) => void>> = {
  float32: (view, at, value) => view.setFloat32(at, value, true),
  float16: (view, at, value) => view.setFloat16(at, value, true),
  int64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  int32: (view, at, value) => view.setInt32(at, value, true),
  int8: (view, at, value) => view.setInt8(at, value),
  uint8: (view, at, value) => view.setUint8(at, value),
  bool: (view, at, value) => view.setUint8(at, value === 0 ? 0 : 1),
};
