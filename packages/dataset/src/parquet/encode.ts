import type { Shape } from "./shape.ts";

/** Turns a JSON value into what the Parquet writer takes for a column of `shape`; absent stays absent. */
export function encoderOf(shape: Shape): (value: unknown) => unknown {
  if (isPlain(shape)) return (value) => value;
  if (shape.type === "json")
    return (value) => (value === undefined ? undefined : JSON.stringify(value));
  const encode = present(shape);
  return (value) => (value === undefined || value === null ? undefined : encode(value));
}

function present(shape: Shape): (value: unknown) => unknown {
  if (shape.type === "list") {
    const element = encoderOf(shape.element);
    return (list) => (list as unknown[]).map(element);
  }
  if (shape.type === "struct") {
    const fields = shape.fields.map(({ name, shape: inner }) => [name, encoderOf(inner)] as const);
    return (struct) =>
      Object.fromEntries(
        fields.map(([name, encode]) => [name, encode((struct as Record<string, unknown>)[name])]),
      );
  }
  return (integer) => BigInt(integer as number);
}

/** Tells whether the writer takes values of this shape as they are in JSON. */
function isPlain(shape: Shape): boolean {
  if (shape.type === "list") return isPlain(shape.element);
  if (shape.type === "struct") return shape.fields.every((field) => isPlain(field.shape));
  return shape.type !== "int64" && shape.type !== "json";
}
