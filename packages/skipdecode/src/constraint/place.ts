import { PostgradError } from "@postgrad/schema";

import type { Expression } from "./expression.ts";

/** A JSON Schema, draft-07 or 2020-12. */
export type JsonSchema = boolean | JsonSchemaObject;

/** A JSON Schema that is not just true or false. */
export interface JsonSchemaObject {
  readonly [keyword: string]: unknown;
}

/** Where the compiler is in the schema. */
export interface Place {
  readonly root: JsonSchema;
  readonly path: string;
  readonly references: Map<string, Expression>;
}

/** A place further in. */
export const into = (place: Place, ...keys: readonly (string | number)[]): Place => ({
  ...place,
  path: [place.path, ...keys].join("/"),
});

/** A count, where one is given. */
export function count(schema: JsonSchemaObject, key: string, place: Place): number | undefined {
  const given = schema[key];
  if (given === undefined) return undefined;
  if (typeof given === "number" && Number.isInteger(given) && given >= 0) return given;
  throw refused(place, `${key} is ${JSON.stringify(given)}; it must be a count`);
}

/** `max`, once it is sure that it is not below `min`. */
export function atLeast(min: number, max: number, key: string, place: Place): number {
  if (max >= min) return max;
  throw refused(place, `the minimum ${min} is above the maximum ${max} of ${key}`);
}

/** A list that is not empty. */
export function list(schema: JsonSchemaObject, key: string, place: Place): readonly unknown[] {
  const given = schema[key];
  if (Array.isArray(given) && given.length > 0) return given;
  throw refused(place, `${key} is no list of values`);
}

/** Neither a list nor null nor a plain value. */
export const isObject = (one: unknown): one is JsonSchemaObject =>
  typeof one === "object" && one !== null && !Array.isArray(one);

/** The error for a keyword that is known and not supported, or not known. */
export const unsupported = (place: Place, keyword: string): PostgradError =>
  refused(
    place,
    `the keyword ${keyword} is not supported; leave it out and check the answer against it`,
  );

/** The error for a schema, with the place in it. */
export function refused({ path }: Place, why: string): PostgradError {
  return new PostgradError("skipdecode/schema", `JSON schema at ${path}: ${why}`);
}
