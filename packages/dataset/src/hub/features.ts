import type { Field, Shape } from "../parquet/shape.ts";

/** A feature as the front matter of a dataset card writes it. */
export type Feature = Readonly<Record<string, unknown>>;

/** The columns as the `features` of a dataset card: what `datasets` reads them as. */
export function featuresOf(columns: readonly Field[]): Feature[] {
  return columns.map(({ name, shape }) => ({ name, ...typeOf(shape) }));
}

/** The type of a column for a person. */
export function typeName(shape: Shape): string {
  if (shape.type === "list") return `list of ${typeName(shape.element)}`;
  if (shape.type === "struct") return `{ ${shape.fields.map(({ name }) => name).join(", ")} }`;
  return shape.type === "json" ? "string (JSON)" : dtypes[shape.type];
}

function typeOf(shape: Shape): Feature {
  if (shape.type === "struct") return { struct: featuresOf(shape.fields) };
  if (shape.type !== "list") return { dtype: dtypes[shape.type] };
  const { element } = shape;
  if (element.type === "struct") return { list: featuresOf(element.fields) };
  return { list: element.type === "list" ? typeOf(element) : dtypes[element.type] };
}

const dtypes = {
  boolean: "bool",
  int64: "int64",
  double: "float64",
  string: "string",
  json: "string",
};
