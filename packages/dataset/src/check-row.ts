import {
  kindOf,
  parseRecord,
  type Place,
  placePrefix,
  PostgradError,
  type RawRow,
  type RecordKind,
} from "@postgrad/schema";

/**
 * A row as a record: of the kind given, or else of the kind that its tag names; a row of neither comes back as it is.
 *
 * @throws PostgradError those of `parseRecord`, and `dataset/not-an-object`
 */
export function checkRow(value: unknown, kind: RecordKind | undefined, place: Place): RawRow {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PostgradError(
      "dataset/not-an-object",
      `${placePrefix(place)}found ${JSON.stringify(value).slice(0, 80)}, expected a row: a JSON object`,
    );
  }
  const row = value as RawRow;
  const { schema } = row;
  if (kind) return parseRecord(kind, schema === undefined ? withoutNulls(row) : row, place);
  // Other tools have columns of this name too (text-to-SQL does): only what looks like a tag of ours is one.
  const own = typeof schema === "string" && /^[a-z-]+\/\d+$/.test(schema) ? kindOf(row) : undefined;
  return own ? parseRecord(own, row, place) : row;
}

/** Tables write a null where a field is missing: in rows of other tools the two are one, in the row and in its turns. */
function withoutNulls<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutNulls) as Value;
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)])) as Value;
}
