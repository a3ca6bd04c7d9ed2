import type { RecordKind } from "./record-kind.ts";
import { demonstrationRecord } from "./records/demonstration.ts";
import { dropRecord } from "./records/drop.ts";
import { itemRecord, reportRecord, resultRecord } from "./records/evaluation.ts";
import { exampleRecord } from "./records/example.ts";
import { runRecord, stageRecord } from "./records/manifest.ts";
import { preferenceRecord } from "./records/preference.ts";
import { passageRecord, seedRecord } from "./records/seed.ts";
import { translationRecord } from "./records/translation.ts";

/** Every kind of record by its name. Adding one is a file in `records/` and a line here. */
export const records = {
  seed: seedRecord,
  passage: passageRecord,
  example: exampleRecord,
  preference: preferenceRecord,
  demonstration: demonstrationRecord,
  translation: translationRecord,
  drop: dropRecord,
  run: runRecord,
  stage: stageRecord,
  item: itemRecord,
  result: resultRecord,
  report: reportRecord,
} as const satisfies Record<string, RecordKind>;

/** Name of a kind of record. */
export type RecordName = keyof typeof records;

/**
 * The kind of record that `row` is: by its tag, or, without one, by the columns that other tools write.
 * `undefined` where it cannot be told.
 */
export function kindOf(row: unknown): RecordKind | undefined {
  if (typeof row !== "object" || row === null) return undefined;
  const { schema } = row as { schema?: unknown };
  if (typeof schema === "string") {
    const name = schema.slice(0, schema.indexOf("/"));
    return Object.hasOwn(records, name) ? records[name as RecordName] : undefined;
  }
  const has = (...names: string[]): boolean => names.every((name) => name in row);
  if (has("chosen", "rejected")) return preferenceRecord;
  if (
    has("messages") ||
    has("conversations") ||
    has("prompt", "completion") ||
    has("instruction", "output")
  ) {
    return exampleRecord;
  }
  return has("id", "text") ? seedRecord : undefined;
}
