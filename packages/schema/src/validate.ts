import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Static, TSchema } from "typebox";

import { describe } from "./describe.ts";
import { PostgradError } from "./error.ts";
import { type Place, placePrefix } from "./place.ts";

const options = { strict: true, allowUnionTypes: true, strictTypes: false, verbose: true } as const;
const checker = new Ajv({ ...options, allErrors: false });
const defaulter = new Ajv({ ...options, allErrors: false, useDefaults: true });

/** One thing that is wrong with a value. */
export interface Issue {
  /** JSON pointer to the value; the empty string is the whole. */
  readonly path: string;
  /** The value that was found there; `undefined` where it is missing. */
  readonly found: unknown;
  /** What was found and what was expected, in words. */
  readonly message: string;
}

/** Tells whether `value` is as `schema` says, and narrows its type. */
export function is<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
): value is Static<Schema> {
  return compiled(checker, schema)(value);
}

/** The first thing that is wrong with `value`, or `undefined` where nothing is. */
export function issueOf(schema: TSchema, value: unknown): Issue | undefined {
  const check = compiled(checker, schema);
  return check(value) ? undefined : toIssue(check.errors!);
}

/**
 * Returns `value`, typed, as it is (nothing is copied, unknown fields of open records stay).
 *
 * @throws PostgradError `schema/invalid`: the file, the line, the JSON pointer, the value found and what was expected.
 */
export function validate<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  place: Place = {},
): Static<Schema> {
  const check = compiled(checker, schema);
  if (check(value)) return value as Static<Schema>;
  throw invalid(toIssue(check.errors!), place);
}

/**
 * A configuration: a copy of `value` with the schema's defaults filled in.
 *
 * @throws PostgradError `schema/invalid`, which for a misspelt key says which one was meant.
 */
export function parseConfig<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  place: Place = {},
): Static<Schema> {
  const copy: unknown = structuredClone(value ?? {});
  const check = compiled(defaulter, schema);
  if (check(copy)) return copy as Static<Schema>;
  throw invalid(toIssue(check.errors!), place);
}

function invalid({ path, message }: Issue, place: Place): PostgradError {
  return new PostgradError(
    "schema/invalid",
    `${placePrefix(place)}${path ? `${path}: ` : ""}${message}`,
  );
}

/** ajv keeps what it compiled, keyed by the schema object, so that this is one look-up from the second call on. */
function compiled(ajv: Ajv, schema: TSchema): ValidateFunction {
  return ajv.compile(schema);
}

/** Of the errors of a failed check (several where a union failed), the one that says most: the deepest. */
function toIssue(errors: readonly ErrorObject[]): Issue {
  const depth = (error: ErrorObject): number => error.instancePath.split("/").length;
  const error = errors.reduce((best, next) => (depth(next) > depth(best) ? next : best));
  return describe(error);
}
