/**
 * JSON with the keys of every object in code-unit order and no spaces: equal values give equal text, whatever the order
 * in which their keys were written. What has no JSON (`undefined`, functions) is left out, as in `JSON.stringify`.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isPlainObject(inner) ? sorted(inner) : inner,
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  const keys = Object.keys(value);
  // Integer-like keys are enumerated first whatever the order of insertion, the same way on both sides of a comparison.
  return keys.every((key, i) => i === 0 || keys[i - 1]! <= key)
    ? value
    : Object.fromEntries(keys.toSorted().map((key) => [key, value[key]]));
}
