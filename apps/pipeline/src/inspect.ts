import { readRows } from "@postgrad/dataset";
import { type RawRow, type RecordName, records } from "@postgrad/schema";
import { Type } from "typebox";

import { defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { showRecord } from "./show-record.ts";

export const inspect = defineCommand({
  name: "inspect",
  summary: "shows records as a person would read them",
  example: "postgrad inspect rows.jsonl --rows 3",
  positionals: ["file"],
  options: Type.Object(
    {
      file: Type.String({ description: "file or folder of records" }),
      rows: Type.Integer({ default: 5, minimum: 1, description: "how many" }),
      skip: Type.Integer({ default: 0, minimum: 0, description: "how many to leave out first" }),
      kind: Type.Optional(
        Type.Enum(Object.keys(records) as RecordName[], {
          description: "check the rows as this kind of record",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  run: async ({ file, rows, skip, kind }, context) => {
    const source: AsyncIterable<RawRow> = readRows(pathOf(context, file), kind && records[kind]);
    let seen = 0;
    for await (const row of source) {
      seen += 1;
      if (seen <= skip) continue;
      context.output.result(row, showRecord(row, `${file}:${seen}`));
      if (seen >= skip + rows) break;
    }
  },
});
