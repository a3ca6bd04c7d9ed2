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
  if (kind) return parse(kind, row, place);
  // Other tools have columns of this name too (text-to-SQL does): only what looks like a tag of ours is one.
  const own = typeof schema === "string" && /^[a-z-]+\/\d+$/.test(schema) ? kindOf(row) : undefined;
  return own ? parse(own, row, place) : row;
}

/**
 * Tables write a null where a field is missing. In rows of other tools the two are one; in records of ours, which may have
 * been through such a tool, a null stays where the record knows it.
 */
function parse(kind: RecordKind, row: RawRow, place: Place): RawRow {
  if (row["schema"] === undefined) return parseRecord(kind, withoutNulls(row), place);
  try {
    return parseRecord(kind, row, place);
  } catch (error) {
    const { success, record } = tried(() => parseRecord(kind, withoutNulls(row), place));
    if (success) return record;
    throw error; // it names what is wrong beside the nulls, or instead of them
  }
}

function tried(
  read: () => RawRow,
): { success: true; record: RawRow } | { success: false; record?: undefined } {
  try {
    return { success: true, record: read() };
  } catch {
    return { success: false };
  }
}

function withoutNulls<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutNulls) as Value;
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)])) as Value;
}
