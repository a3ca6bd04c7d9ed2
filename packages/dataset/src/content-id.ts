import { hash } from "node:crypto";

import { canonicalJson, kindOf, parseRecord, type RawRow, type RecordKind } from "@postgrad/schema";

/**
 * A record's id made from its content: 32 hexadecimal digits (the first 128 bits) of the SHA-256 of the canonical JSON of
 * its kind's name and identity fields. Records that say the same have the same id, whatever the order of their keys, their
 * `meta` or the version they were written in. Of a row that is no kind of record all but `id` and `meta` counts.
 *
 * @throws PostgradError those of `parseRecord` for a row that is not of the `kind` given or of the kind that its tag names
 */
export function contentId(row: object, kind?: RecordKind): string {
  return hash("sha256", kind ? identityJson(row, kind) : toldIdentity(row)).slice(0, 32);
}

/** The identity of a row that says by its tag or by its columns what it is. */
function toldIdentity(row: object): string {
  const kind = kindOf(row);
  try {
    return identityJson(row, kind);
  } catch (error) {
    // Columns may bear a record's names and hold something else; only a tag is a promise.
    if (kind && (row as RawRow)["schema"] !== undefined) throw error;
    return identityJson(row, undefined);
  }
}

/** What makes `row` the same record again, as canonical JSON. */
export function identityJson(row: object, kind: RecordKind | undefined): string {
  if (!kind) {
    const { id: _id, meta: _meta, ...rest } = row as RawRow;
    return canonicalJson({ row: rest });
  }
  const current = (row as RawRow)["schema"] === `${kind.name}/${kind.version}`;
  const record: RawRow = current ? (row as RawRow) : parseRecord(kind, row);
  const fields = kind.identity.map((field) => [field, record[field]]);
  return canonicalJson({ [kind.name]: Object.fromEntries(fields) });
}

/** The row's own `id`, or its content id where it has none. */
export function idOf(row: object, kind?: RecordKind): string {
  const { id } = row as { id?: unknown };
  return typeof id === "string" ? id : contentId(row, kind);
}
