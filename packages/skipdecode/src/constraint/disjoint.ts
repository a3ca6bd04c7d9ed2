/**
 * Whether no value can satisfy two of the schemas, as far as types and constants tell: different types, different
 * constants, or a property that all objects require with a different constant in each.
 */
export function areDisjoint(
  schemas: readonly unknown[],
  resolve: (schema: unknown) => unknown,
): boolean {
  const all = schemas.map(resolve);
  return all.every((one, i) => all.slice(i + 1).every((two) => areTwoDisjoint(one, two, resolve)));
}

function areTwoDisjoint(
  one: unknown,
  two: unknown,
  resolve: (schema: unknown) => unknown,
): boolean {
  if (!isObject(one) || !isObject(two)) return false;
  const [valuesOne, valuesTwo] = [constants(one), constants(two)];
  if (valuesOne && valuesTwo) return !valuesOne.some((value) => valuesTwo.includes(value));
  const [typesOne, typesTwo] = [types(one), types(two)];
  if (typesOne && typesTwo && !typesOne.some((type) => typesTwo.includes(type))) return true;
  return required(one)
    .filter((name) => required(two).includes(name))
    .some((name) =>
      areConstantsDisjoint(property(one, name, resolve), property(two, name, resolve)),
    );
}

function areConstantsDisjoint(one: unknown, two: unknown): boolean {
  const [a, b] = [one, two].map((schema) => (isObject(schema) ? constants(schema) : undefined));
  return a !== undefined && b !== undefined && !a.some((value) => b.includes(value));
}

function constants(schema: Schema): string[] | undefined {
  if ("const" in schema) return [JSON.stringify(schema["const"])];
  const values = schema["enum"];
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : undefined;
}

/** Type names, an integer counted as the number that it is. */
function types(schema: Schema): unknown[] | undefined {
  const values = constants(schema);
  if (values) return values.map((value) => typeName(JSON.parse(value)));
  if (schema["type"] === undefined) return undefined;
  const given: unknown[] = [schema["type"]].flat();
  return given.map((type) => (type === "integer" ? "number" : type));
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

const required = (schema: Schema): string[] =>
  Array.isArray(schema["required"]) && types(schema)?.join() === "object"
    ? schema["required"].map(String)
    : [];

function property(schema: Schema, name: string, resolve: (schema: unknown) => unknown): unknown {
  const { properties } = schema;
  return isObject(properties) ? resolve(properties[name]) : undefined;
}

interface Schema {
  readonly [keyword: string]: unknown;
}

const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
