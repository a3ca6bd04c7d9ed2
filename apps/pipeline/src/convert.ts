import { readRows, writeRows } from "@postgrad/dataset";
import { type RecordName, records } from "@postgrad/schema";
import { Type } from "typebox";

import { badRowOptions, badRows } from "./bad-rows.ts";
import { defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { reportWritten } from "./report-written.ts";

export const convert = defineCommand({
  name: "convert",
  summary: "reads rows in one format and writes them in another",
  example: "postgrad convert rows.jsonl rows.parquet --kind example",
  positionals: ["in", "out"],
  options: Type.Object(
    {
      in: Type.String({
        description: "file or folder of rows, or a folder of documents, which become seeds",
      }),
      out: Type.String({
        description:
          "file to write, its ending names the format; or folder, written in the hub's layout",
      }),
      kind: Type.Optional(
        Type.Enum(Object.keys(records) as RecordName[], {
          description: "check and upgrade the rows to this kind of record",
        }),
      ),
      root: Type.Optional(Type.String({ description: "folder that no input may lie outside of" })),
      ...badRowOptions,
    },
    { additionalProperties: false },
  ),
  run: async ({ in: source, out, kind, root, ...bad }, context) => {
    const drops = badRows(bad, out, context);
    await using _ = drops.log;
    const inside = root === undefined ? {} : { root: pathOf(context, root) };
    const rows = readRows(pathOf(context, source), kind && records[kind], {
      ...drops.options,
      ...inside,
    });
    const written = await writeRows(pathOf(context, out), rows);
    await reportWritten(context, written, drops);
  },
});
