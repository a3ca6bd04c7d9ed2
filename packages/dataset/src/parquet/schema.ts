import type { SchemaElement } from "hyparquet";

import type { Field, Shape } from "./shape.ts";

/**
 * The physical schema of the columns: everything optional, lists in three levels, texts as UTF-8 strings, as Arrow and the
 * hub write them.
 */
export function schemaElements(columns: readonly Field[]): SchemaElement[] {
  return [
    { name: "schema", num_children: columns.length },
    ...columns.flatMap(({ name, shape }) => elementsOf(name, shape)),
  ];
}

/** Which places hold JSON text, and where an absent value is a null: what the Parquet types alone do not say. */
export interface Notes {
  readonly json: readonly (readonly string[])[];
  readonly nulls: readonly (readonly string[])[];
}

/** The key of the file's metadata under which the notes stand, as JSON. */
export const notesKey = "postgrad";

/** The notes on these columns. A place is its path of names; what a list holds is named `[]`. */
export function notesOn(columns: readonly Field[]): Notes {
  const notes = { json: [] as string[][], nulls: [] as string[][] };
  const visit = (path: string[], shape: Shape): void => {
    if (shape.type === "json") notes.json.push(path);
    if (shape.type === "list") visit([...path, "[]"], shape.element);
    if (shape.type === "struct") visitAll(path, shape.fields);
  };
  const visitAll = (path: string[], fields: readonly Field[]): void => {
    for (const { name, shape, explicitNulls } of fields) {
      if (explicitNulls) notes.nulls.push([...path, name]);
      visit([...path, name], shape);
    }
  };
  visitAll([], columns);
  return notes;
}

function elementsOf(name: string, shape: Shape): SchemaElement[] {
  const repetition_type = "OPTIONAL";
  switch (shape.type) {
    case "boolean":
      return [{ name, repetition_type, type: "BOOLEAN" }];
    case "int64":
      return [{ name, repetition_type, type: "INT64" }];
    case "double":
      return [{ name, repetition_type, type: "DOUBLE" }];
    case "string":
    case "json":
      return [
        {
          name,
          repetition_type,
          type: "BYTE_ARRAY",
          converted_type: "UTF8",
          logical_type: { type: "STRING" },
        },
      ];
    case "list":
      return [
        {
          name,
          repetition_type,
          converted_type: "LIST",
          logical_type: { type: "LIST" },
          num_children: 1,
        },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elementsOf("element", shape.element),
      ];
    case "struct":
      return [
        { name, repetition_type, num_children: shape.fields.length },
        ...shape.fields.flatMap((field) => elementsOf(field.name, field.shape)),
      ];
    default:
      return shape;
  }
}
