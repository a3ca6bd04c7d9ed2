import type { Shape } from "./shape.ts";

/** Turns a JSON value into what the Parquet writer takes for a column of `shape`; absent stays absent. */
export function encoderOf(shape: Shape): (value: unknown) => unknown {
  switch (shape.type) {
    case "int64":
      return (value) => (isAbsent(value) ? undefined : BigInt(value as number));
    case "json":
      return (value) => (value === undefined ? undefined : JSON.stringify(value));
    case "list": {
      if (isPlain(shape)) return asItIs;
      const element = encoderOf(shape.element);
      return (value) => (isAbsent(value) ? undefined : (value as unknown[]).map(element));
    }
    case "struct": {
      if (isPlain(shape)) return asItIs;
      const fields = shape.fields.map(
        ({ name, shape: inner }) => [name, encoderOf(inner)] as const,
      );
      return (value) =>
        isAbsent(value)
          ? undefined
          : Object.fromEntries(
              fields.map(([name, encode]) => [
                name,
                encode((value as Record<string, unknown>)[name]),
              ]),
            );
    }
    default:
      return asItIs;
  }
}

const asItIs = (value: unknown): unknown => value;
const isAbsent = (value: unknown): boolean => value === undefined || value === null;

/** Tells whether the writer takes values of this shape as they are in JSON. */
function isPlain(shape: Shape): boolean {
  if (shape.type === "list") return isPlain(shape.element);
  if (shape.type === "struct") return shape.fields.every((field) => isPlain(field.shape));
  return shape.type !== "int64" && shape.type !== "json";
}
