/** Element types of a graph's values, by their common names. */
export type DataType =
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int8"
  | "uint8"
  | "bool";

/** ONNX's `TensorProto.DataType` number of each type, and the bytes of one element. */
export const dataTypes: Readonly<
  Record<DataType, { readonly onnx: number; readonly bytes: number }>
> = {
  float32: { onnx: 1, bytes: 4 },
  uint8: { onnx: 2, bytes: 1 },
  int8: { onnx: 3, bytes: 1 },
  int32: { onnx: 6, bytes: 4 },
  int64: { onnx: 7, bytes: 8 },
  bool: { onnx: 9, bytes: 1 },
  float16: { onnx: 10, bytes: 2 },
  bfloat16: { onnx: 16, bytes: 2 },
};
