import type { ErrorObject } from "ajv";

import { nearest } from "./nearest.ts";
import type { Issue } from "./validate.ts";

/** Puts one of ajv's errors (made with `verbose`) into words: what was found, what was expected. */
export function describe(error: ErrorObject): Issue {
  const { instancePath: path, data: found } = error;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "required":
      return {
        path: `${path}/${params["missingProperty"] as string}`,
        found: undefined,
        message: "is missing",
      };
    case "additionalProperties":
      return unknownKey(path, params["additionalProperty"] as string, error);
    case "enum":
      return { path, found, message: oneOf(found, params["allowedValues"] as unknown[]) };
    case "const":
      return { path, found, message: oneOf(found, [params["allowedValue"]]) };
    case "type":
      return { path, found, message: `found ${show(found)}, expected ${typeName(params["type"])}` };
    default:
      return {
        path,
        found,
        message: `found ${show(found)}, ${error.message ?? "not as expected"}`,
      };
  }
}

function unknownKey(path: string, key: string, { parentSchema, data }: ErrorObject): Issue {
  const known = Object.keys(
    (parentSchema as { properties?: object } | undefined)?.properties ?? {},
  );
  const meant = nearest(key, known);
  const remedy = meant
    ? `did you mean "${meant}"?`
    : `known: ${known.map((name) => `"${name}"`).join(", ")}`;
  return {
    path,
    found: (data as Record<string, unknown>)[key],
    message: `unknown key "${key}"; ${remedy}`,
  };
}

function oneOf(found: unknown, allowed: readonly unknown[]): string {
  const meant =
    typeof found === "string"
      ? nearest(
          found,
          allowed.filter((name) => typeof name === "string"),
        )
      : undefined;
  const list = allowed.map((value) => JSON.stringify(value)).join(", ");
  const expected = allowed.length === 1 ? list : `one of ${list}`;
  return `found ${show(found)}, expected ${expected}${meant ? ` (did you mean "${meant}"?)` : ""}`;
}

function typeName(type: unknown): string {
  return Array.isArray(type) ? type.join(" or ") : String(type);
}

/** JSON of a value, cut where it would fill the screen. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
