/** The type of a column, or of what lies in one. `json` is any value as JSON text, for what no Parquet type holds. */
export type Shape =
  | { readonly type: "boolean" | "int64" | "double" | "string" | "json" }
  | { readonly type: "list"; readonly element: Shape }
  | { readonly type: "struct"; readonly fields: readonly Field[] };

/** A column, or a field of a struct. */
export interface Field {
  readonly name: string;
  readonly shape: Shape;
  /** What an absent value means: the field was not there (false), or it was there and null (true). */
  readonly explicitNulls: boolean;
}

/** What has been seen at one place of the rows so far. Its size depends on the number of fields, not of rows. */
export interface Sight {
  readonly types: Set<Leaf | "list" | "struct">;
  nulls: number;
  /** How many values that are not null were seen. */
  values: number;
  /** How many of them were structs: a field seen less often is missing in some. */
  structs: number;
  element: Sight | undefined;
  readonly fields: Map<string, Sight>;
}

type Leaf = "boolean" | "int64" | "double" | "string" | "json";

// A struct of more fields than this is a map whose keys are data.
const maxFields = 100;

/** Nothing seen yet. */
export function noSight(): Sight {
  return {
    types: new Set(),
    nulls: 0,
    values: 0,
    structs: 0,
    element: undefined,
    fields: new Map(),
  };
}

/** Takes note of one row. Rows may have any number of columns. */
export function seeRow(rows: Sight, row: object): void {
  rows.structs += 1;
  seeFields(rows, row);
}

/** Takes note of one value, as `JSON.stringify` would write it. */
function see(sight: Sight, value: unknown): void {
  const type = typeOf(value);
  if (type === "null") {
    sight.nulls += 1;
    return;
  }
  sight.values += 1;
  sight.types.add(type);
  if (type === "list") {
    sight.element ??= noSight();
    for (const inner of value as unknown[]) see(sight.element, inner);
  } else if (type === "struct") {
    sight.structs += 1;
    if (sight.fields.size <= maxFields) seeFields(sight, value as object);
  }
}

/**
 * The columns that hold every row seen without loss. A place where values of several types stand, or where a field is
 * null in some rows and missing in others, becomes JSON text; integers and other numbers together become doubles.
 */
export function columnsOf(rows: Sight): Field[] {
  return [...rows.fields].map(([name, sight]) => fieldOf(name, sight, rows.structs));
}

function typeOf(value: unknown): Leaf | "list" | "struct" | "null" {
  if (typeof value === "string") return value.isWellFormed() ? "string" : "json"; // half a surrogate pair has no UTF-8
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "null"; // as JSON has it
    return Number.isSafeInteger(value) ? "int64" : "double";
  }
  if (typeof value !== "object" || value === null) return "null"; // undefined in a list is one
  if (Array.isArray(value)) return "list";
  return "toJSON" in value ? "json" : "struct";
}

function seeFields(sight: Sight, struct: object): void {
  for (const [name, inner] of Object.entries(struct)) {
    if (inner === undefined || typeof inner === "function" || typeof inner === "symbol") continue;
    let field = sight.fields.get(name);
    if (!field) sight.fields.set(name, (field = noSight()));
    see(field, inner);
  }
}

function fieldOf(name: string, sight: Sight, structs: number): Field {
  const missing = structs - sight.values - sight.nulls;
  const mixed = missing > 0 && sight.nulls > 0;
  return {
    name,
    shape: mixed ? { type: "json" } : shapeOf(sight),
    explicitNulls: sight.nulls > 0 && !mixed,
  };
}

function shapeOf(sight: Sight): Shape {
  const [type = "string", ...more] = sight.types;
  if (more.length > 0) {
    const numbers = [type, ...more].every((seen) => seen === "int64" || seen === "double");
    return { type: numbers ? "double" : "json" };
  }
  if (type === "list") return { type, element: shapeOf(sight.element ?? noSight()) };
  if (type !== "struct") return { type };
  const names = [...sight.fields.keys()];
  // A struct without fields has no column; "__proto__" is no name that a reader in JavaScript gives back.
  const nameable = names.length > 0 && names.length <= maxFields && names.every(isColumnName);
  if (!nameable) return { type: "json" };
  return { type, fields: columnsOf(sight) };
}

/** Tells whether readers of Parquet take this as the name of a column. */
export function isColumnName(name: string): boolean {
  return name !== "" && name !== "__proto__" && name.isWellFormed();
}
