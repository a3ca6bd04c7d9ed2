import { type Static, type TObject, Type } from "typebox";

import { PostgradError } from "./error.ts";
import { type Place, placePrefix } from "./place.ts";
import { validate } from "./validate.ts";

/** A row before it is checked. */
export type RawRow = Record<string, unknown>;

/** A kind of record: its schema, what makes it the same record again, and the way up from its older versions. */
export interface RecordKind<Schema extends TObject = TObject> {
  /** The word before the slash in a record's `schema` field. */
  readonly name: string;
  /** The version that this library writes. */
  readonly version: number;
  readonly title: string;
  readonly schema: Schema;
  /** The fields whose values make two records the same record; ids are made from these. */
  readonly identity: readonly string[];
  /** `upgrades[n]` turns a record of version n into one of version n + 1. Version 0 has no `schema` field: other tools' rows. */
  readonly upgrades: readonly ((row: RawRow) => RawRow)[];
}

/**
 * Defines a kind of record by its tag, `name/version`, which every record carries in its `schema` field. Fields that are
 * not known survive. `upgrades` has one function for each older version, version 0 (rows of other tools, without a tag) first.
 */
export function defineRecord<
  const Tag extends `${string}/${number}`,
  Fields extends Type.TProperties,
>(kind: {
  tag: Tag;
  title: string;
  fields: Fields;
  identity: readonly (keyof Fields & string)[];
  upgrades: readonly ((row: RawRow) => RawRow)[];
}) {
  const { tag, title, fields, identity, upgrades } = kind;
  const [name = "", version = ""] = tag.split("/");
  const $id = `https://postgrad.dev/schema/${name}-${version}.json`;
  const literal = Type.Literal(tag, { description: "kind and version of the record" });
  const schema = Type.Object({ schema: literal, ...fields }, { $id, title });
  return { name, version: Number(version), title, schema, identity, upgrades } as const;
}

/**
 * Reads one row of a known kind: brings an older version up to the current one, then validates.
 *
 * @throws PostgradError `schema/unknown-version` for a newer version than this library knows, `schema/wrong-kind` for
 * another kind of record, `schema/invalid` for all else.
 */
export function parseRecord<Schema extends TObject>(
  kind: RecordKind<Schema>,
  value: unknown,
  place: Place = {},
): Static<Schema> {
  return validate(kind.schema, upgrade(kind, value, place), place);
}

/** `value` as a record of the current version; what is no object comes back as it is, for `validate` to refuse. */
function upgrade(kind: RecordKind, value: unknown, place: Place): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const row = value as RawRow;
  const from = versionOf(kind, row["schema"], place);
  if (from === kind.version) return row;
  const raised = kind.upgrades.slice(from).reduce((older, step) => step(older), row);
  return { ...raised, schema: `${kind.name}/${kind.version}` };
}

function versionOf(kind: RecordKind, tag: unknown, place: Place): number {
  if (tag === undefined) return 0;
  const [, name, digits] = (typeof tag === "string" && /^([a-z-]+)\/(\d+)$/.exec(tag)) || [];
  if (name !== undefined && name !== kind.name) {
    throw new PostgradError(
      "schema/wrong-kind",
      `${placePrefix(place)}/schema: found a record of kind "${name}", expected "${kind.name}"`,
    );
  }
  const version = Number(digits);
  if (version >= 1 && version <= kind.version) return version;
  throw new PostgradError(
    "schema/unknown-version",
    `${placePrefix(place)}/schema: found ${JSON.stringify(tag)}, but this version of Postgrad reads up to "${kind.name}/${kind.version}"; install a newer one`,
  );
}
