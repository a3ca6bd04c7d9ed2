import { PostgradError } from "@postgrad/schema";

import type { Notes } from "./schema.ts";

/** What is known about one place of a file beyond its Parquet type. */
export interface NotedPlace {
  json: boolean;
  nulls: boolean;
  readonly inner: Map<string, NotedPlace>;
}

/** The notes as a tree, by the names on the way. */
export function placesOf({ json, nulls }: Notes): NotedPlace {
  const root = place();
  for (const path of json) at(root, path).json = true;
  for (const path of nulls) at(root, path).nulls = true;
  return root;
}

/**
 * A value as the Parquet reader gives it, as JSON has it: 64-bit integers as numbers, times as ISO 8601 text, bytes as
 * base64, JSON text as what it says. Absent fields are left out, unless the notes say that they were null.
 *
 * @throws PostgradError `dataset/unsafe-integer` for an integer that no JSON number holds, `dataset/not-json`
 */
export function decode(value: unknown, noted: NotedPlace | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (noted?.json) return parsed(value);
  if (typeof value === "bigint") return safeInteger(value);
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return decodeList(value, noted);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (ArrayBuffer.isView(value)) return decodeList([...(value as Int32Array)], noted);
  return decodeStruct(value, noted);
}

function decodeList(list: readonly unknown[], noted: NotedPlace | undefined): unknown[] {
  const element = noted?.inner.get("[]");
  return list.map((inner) => decode(inner, element));
}

/** The fields of a struct, or of a row. */
export function decodeStruct(struct: object, noted: NotedPlace | undefined): object {
  const decoded: Record<string, unknown> = {};
  for (const name in struct) {
    const inner = (struct as Record<string, unknown>)[name];
    const field = noted?.inner.get(name);
    if (inner !== undefined && inner !== null) decoded[name] = decode(inner, field);
    else if (field?.nulls) decoded[name] = null;
  }
  return decoded;
}

function safeInteger(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new PostgradError(
    "dataset/unsafe-integer",
    `the integer ${value} is beyond what a JSON number holds exactly (2^53 - 1); cast the column to text`,
  );
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    throw new PostgradError(
      "dataset/not-json",
      `found ${JSON.stringify(text).slice(0, 80)} in a column that is marked as JSON text`,
      { cause: error },
    );
  }
}

function place(): NotedPlace {
  return { json: false, nulls: false, inner: new Map() };
}

function at(root: NotedPlace, path: readonly string[]): NotedPlace {
  let here = root;
  for (const name of path) {
    let next = here.inner.get(name);
    if (!next) here.inner.set(name, (next = place()));
    here = next;
  }
  return here;
}
