import type { RecordKind } from "@postgrad/schema";
import type { Static, TObject } from "typebox";

import { type BadRowOptions, refuseRow } from "./bad-row.ts";
import { checkRow } from "./check-row.ts";
import type { Transform } from "./stream.ts";

/** Lets only valid records of `kind` pass, brought up to its current version. `file` names the stream in errors. */
export function checked<Schema extends TObject>(
  kind: RecordKind<Schema>,
  { file, ...options }: BadRowOptions & { readonly file?: string } = {},
): Transform<unknown, Static<Schema>> {
  return async function* (rows) {
    let line = 0;
    for await (const row of rows) {
      line += 1;
      const place = file === undefined ? { line } : { file, line };
      let record: Static<Schema>;
      try {
        record = checkRow(row, kind, place) as Static<Schema>;
      } catch (error) {
        await refuseRow(error, { ...place, row }, options);
        continue;
      }
      yield record;
    }
  };
}
