import { anything, colon, inOrder, items } from "./containers.ts";
import { areDisjoint } from "./disjoint.ts";
import { choice, type Expression, literal, rule, sequence } from "./expression.ts";
import { integer, numberIn, type NumberRange } from "./number.ts";
import { pattern } from "./pattern.ts";
import {
  atLeast,
  count,
  into,
  isObject,
  type JsonSchema,
  type JsonSchemaObject,
  list,
  type Place,
  refused,
  unsupported,
} from "./place.ts";
import { space, string, stringOtherThan } from "./text.ts";

/**
 * The JSON texts that `schema` allows, or some of them: everything in the expression is valid, and what a model would
 * have no reason to write (properties in another order, undeclared ones) is left out.
 *
 * @throws PostgradError `skipdecode/schema` with the place and the keyword that is not supported.
 */
export function jsonExpression(schema: JsonSchema): Expression {
  return value(schema, { root: schema, path: "#", references: new Map() });
}

const annotations = new Set([
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "format",
  "contentEncoding",
  "contentMediaType",
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
]);

const keywords = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems"],
  string: ["minLength", "maxLength", "pattern"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
} as const;

type TypeName = keyof typeof keywords;

const isTypeName = (name: unknown): name is TypeName =>
  typeof name === "string" && Object.hasOwn(keywords, name);

function value(schema: unknown, place: Place): Expression {
  if (schema === true) return anything();
  if (schema === false) throw refused(place, "false allows nothing");
  if (!isObject(schema)) throw refused(place, `${JSON.stringify(schema)} is no schema`);
  const given = Object.keys(schema).filter((key) => !annotations.has(key));
  if (given.length === 0) return anything();
  if ("$ref" in schema) return reference(alone(schema, "$ref", given, place), place);
  if ("const" in schema || "enum" in schema) return literals(schema, given, place);
  for (const key of ["anyOf", "oneOf", "allOf"] as const) {
    if (key in schema) return combined(key, alone(schema, key, given, place), place);
  }
  return typed(schema, given, place);
}

function typed(schema: JsonSchemaObject, given: readonly string[], place: Place): Expression {
  const types = typesOf(schema, place);
  const known = new Set<string>(["type", ...Object.values(keywords).flat()]);
  const unknown = given.find(
    (key) => !known.has(key) && !(key === "uniqueItems" && schema[key] === false),
  );
  if (unknown !== undefined) throw unsupported(place, unknown);
  return choice(...types.map((type) => ofType[type](schema, place)));
}

function typesOf(schema: JsonSchemaObject, place: Place): TypeName[] {
  const { type } = schema;
  // Without a type any of them would do; the keywords tell which one is meant.
  const inferred = (): TypeName[] =>
    (["object", "array", "string", "number"] as const).filter((name) =>
      keywords[name].some((key) => key in schema),
    );
  const types: readonly unknown[] = type === undefined ? inferred() : [type].flat();
  const stranger = types.find((name) => !isTypeName(name));
  if (stranger !== undefined) throw refused(place, `type ${JSON.stringify(stranger)} is not known`);
  return types.filter(isTypeName);
}

const ofType: Record<TypeName, (schema: JsonSchemaObject, place: Place) => Expression> = {
  object,
  array,
  string: text,
  number: (schema, place) => numeric(schema, place, numberIn),
  integer: (schema, place) => numeric(schema, place, integer),
  boolean: () => choice(literal("true"), literal("false")),
  null: () => literal("null"),
};

function text(schema: JsonSchemaObject, place: Place): Expression {
  const min = count(schema, "minLength", place) ?? 0;
  const max = count(schema, "maxLength", place) ?? Infinity;
  const { pattern: source } = schema;
  if (source === undefined) return string(min, atLeast(min, max, "maxLength", place));
  if ("minLength" in schema || "maxLength" in schema) {
    throw refused(
      place,
      "pattern together with minLength or maxLength is not supported; put the length into the pattern",
    );
  }
  if (typeof source !== "string") throw refused(place, "pattern is no text");
  return pattern(source, (why) => refused(into(place, "pattern"), why));
}

function numeric(
  schema: JsonSchemaObject,
  place: Place,
  make: (range: NumberRange) => Expression | undefined,
): Expression {
  const [min, exclusiveMin] = bound(schema, "minimum", "exclusiveMinimum", Math.max, place);
  const [max, exclusiveMax] = bound(schema, "maximum", "exclusiveMaximum", Math.min, place);
  const found = make({
    ...(min === undefined ? {} : { min, exclusiveMin }),
    ...(max === undefined ? {} : { max, exclusiveMax }),
  });
  if (found) return found;
  throw refused(
    place,
    `no number of at most 15 digits lies between the bounds ${min ?? ""} and ${max ?? ""}`,
  );
}

function bound(
  schema: JsonSchemaObject,
  inclusive: string,
  exclusive: string,
  tighter: (a: number, b: number) => number,
  place: Place,
): [number | undefined, boolean] {
  const [a, b] = [inclusive, exclusive].map((key) => {
    const given = schema[key];
    if (given === undefined || (typeof given === "number" && Number.isFinite(given))) return given;
    throw refused(place, `${key} is ${JSON.stringify(given)}, which is no number`);
  });
  if (a === undefined || b === undefined) return [a ?? b, a === undefined];
  return [tighter(a, b), tighter(a, b) === b];
}

function array(schema: JsonSchemaObject, place: Place): Expression {
  // Draft-07 writes a tuple as an array of `items`, 2020-12 as `prefixItems`.
  const isTuple = Array.isArray(schema["items"]);
  const first = (isTuple ? schema["items"] : schema["prefixItems"]) ?? [];
  if (!Array.isArray(first)) throw refused(place, "prefixItems is no list");
  const more = isTuple ? true : (schema["items"] ?? true);
  const fixed = first.map((item, i) =>
    value(item, into(place, isTuple ? "items" : "prefixItems", i)),
  );
  const min = count(schema, "minItems", place) ?? 0;
  const given = count(schema, "maxItems", place) ?? (more === false ? fixed.length : Infinity);
  const max = more === false ? Math.min(given, fixed.length) : given;
  atLeast(min, max, more === false ? "items" : "maxItems", place);
  if (max === 0) return sequence(literal("["), space, literal("]"));
  const rest = more === false ? undefined : value(more, into(place, "items"));
  return sequence(literal("["), space, items(fixed, rest, min, max), space, literal("]"));
}

function object(schema: JsonSchemaObject, place: Place): Expression {
  const { properties = {}, required = [], additionalProperties } = schema;
  if (!isObject(properties)) throw refused(place, "properties is no object");
  if (!Array.isArray(required)) throw refused(place, "required is no list");
  const more = additionalProperties ?? Object.keys(properties).length === 0;
  const named = new Map(
    Object.entries(properties).map(([name, one]) => [
      name,
      pair(name, one, into(place, "properties", name)),
    ]),
  );
  for (const name of required.map(String).filter((one) => !named.has(one))) {
    if (additionalProperties === false) {
      throw refused(
        place,
        `"${name}" is required, but additionalProperties is false and properties does not name it`,
      );
    }
    const other = additionalProperties ?? true;
    named.set(name, pair(name, other, into(place, "additionalProperties")));
  }
  const members = [...named].map(([name, one]) => ({ one, isRequired: required.includes(name) }));
  const others =
    more === false
      ? undefined
      : additional([...named.keys()], more, into(place, "additionalProperties"));
  return sequence(literal("{"), space, inOrder(members, others), space, literal("}"));
}

function pair(name: string, schema: unknown, place: Place): Expression {
  return sequence(literal(JSON.stringify(name)), colon, value(schema, place));
}

function additional(names: readonly string[], schema: unknown, place: Place): Expression {
  const key = names.length === 0 ? string() : stringOtherThan(names);
  return sequence(key, colon, value(schema, place));
}

function literals(schema: JsonSchemaObject, given: readonly string[], place: Place): Expression {
  const values: readonly unknown[] =
    "const" in schema ? [schema["const"]] : list(schema, "enum", place);
  const other = given.find((key) => key !== "const" && key !== "enum" && key !== "type");
  if (other !== undefined || given.filter((key) => key !== "type").length > 1) {
    throw refused(place, `${given.join(" together with ")} is not supported`);
  }
  const types = "type" in schema ? typesOf(schema, place) : undefined;
  const fitting = values.filter((one) => !types || types.some((type) => isOfType(one, type)));
  if (fitting.length === 0) throw refused(place, "no value of enum or const is of the type");
  return choice(...fitting.map((one) => literal(JSON.stringify(one))));
}

function isOfType(one: unknown, type: TypeName): boolean {
  if (type === "integer") return Number.isInteger(one);
  if (one === null) return type === "null";
  if (Array.isArray(one)) return type === "array";
  return typeof one === type;
}

function combined(key: "anyOf" | "oneOf" | "allOf", given: unknown, place: Place): Expression {
  if (!Array.isArray(given) || given.length === 0)
    throw refused(place, `${key} is no list of schemas`);
  const options = given as readonly unknown[];
  if (key === "allOf" && options.length > 1)
    throw refused(place, "allOf of several schemas is not supported; merge them");
  if (key === "oneOf" && !areDisjoint(options, (one) => resolved(one, place))) {
    throw refused(
      place,
      "oneOf is supported where types or constants tell its schemas apart; use anyOf if more than one may hold",
    );
  }
  return choice(...options.map((one, i) => value(one, into(place, key, i))));
}

function reference(given: unknown, place: Place): Expression {
  const name = String(given);
  const known = place.references.get(name);
  if (known) return known;
  let made: Expression | undefined;
  const here = rule(() => made!);
  place.references.set(name, here); // before it is compiled: it may speak of itself
  made = value(target(name, place), { ...place, path: name });
  return here;
}

/** Follows references; anything else is itself. */
function resolved(schema: unknown, place: Place): unknown {
  const seen = new Set<unknown>();
  let current = schema;
  while (isObject(current) && typeof current["$ref"] === "string" && !seen.has(current)) {
    seen.add(current);
    current = target(current["$ref"], place);
  }
  return current;
}

function target(name: string, place: Place): unknown {
  if (!name.startsWith("#"))
    throw refused(place, `$ref ${name} leads out of the schema; put it into $defs`);
  const keys = name
    .slice(1)
    .split("/")
    .slice(1)
    .map((key) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~"));
  let found: unknown = place.root;
  for (const key of keys) {
    const holder: unknown = found;
    found =
      (isObject(holder) || Array.isArray(holder)) && Object.hasOwn(holder, key)
        ? (holder as JsonSchemaObject)[key]
        : undefined;
  }
  if (found === undefined) throw refused(place, `$ref ${name} leads to nothing`);
  return found;
}

function alone(
  schema: JsonSchemaObject,
  key: string,
  given: readonly string[],
  place: Place,
): unknown {
  const other = given.find((one) => one !== key);
  if (other === undefined) return schema[key];
  throw refused(place, `${key} together with ${other} is not supported`);
}
