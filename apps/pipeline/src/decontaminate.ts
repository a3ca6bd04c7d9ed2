import {
  type Contamination,
  contaminationIndex,
  decontaminate as decontaminateRows,
  openWriter,
  readRows,
  writeRows,
} from "@postgrad/dataset";
import { records } from "@postgrad/schema";
import { Type } from "typebox";

import { badRowOptions, badRows } from "./bad-rows.ts";
import { defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { reportWritten } from "./report-written.ts";

export const decontaminate = defineCommand({
  name: "decontaminate",
  summary:
    "leaves out training rows that hold n-grams of evaluation items, and reports what matched",
  example: "postgrad decontaminate train.jsonl clean.jsonl --against items.jsonl",
  positionals: ["in", "out"],
  options: Type.Object(
    {
      in: Type.String({ description: "file or folder of training rows" }),
      out: Type.String({ description: "file to write; rows left out go to the side file" }),
      against: Type.Array(Type.String(), { minItems: 1, description: "evaluation items" }),
      ngram: Type.Integer({
        default: 13,
        minimum: 1,
        description: "words in a row that must agree",
      }),
      allowedOverlap: Type.Number({
        default: 0,
        minimum: 0,
        maximum: 1,
        description: "share of an item's n-grams that a row may hold",
      }),
      report: Type.Optional(
        Type.String({
          description: "every match with row, item and n-gram (default: OUT.matches.jsonl)",
        }),
      ),
      ...badRowOptions,
    },
    { additionalProperties: false },
  ),
  run: async ({ in: source, out, against, ngram, allowedOverlap, report, ...bad }, context) => {
    const drops = badRows(bad, out, context);
    await using _ = drops.log;
    const items = readRows(
      against.map((path) => pathOf(context, path)),
      records.item,
    );
    const index = await contaminationIndex(items, { ngram });
    const reportPath = pathOf(context, report ?? `${out}.matches.jsonl`);
    await using matches = await openWriter(reportPath);
    let count = 0;
    const onMatch = async (match: Contamination): Promise<void> => {
      count += 1;
      await matches.write(match);
    };
    const clean = decontaminateRows<object>(index, {
      allowedOverlap,
      onMatch,
      onDrop: drops.log.add,
    });
    const rows = readRows(pathOf(context, source), undefined, drops.options);
    const written = await writeRows(pathOf(context, out), clean(rows));
    await matches.close();
    if (index.unchecked > 0) {
      context.output.note(`${index.unchecked} of ${index.size} items are too short to be checked`);
    }
    await reportWritten(context, written, drops, {
      matches: count,
      report: reportPath,
      items: index.size,
      uncheckedItems: index.unchecked,
    });
  },
});
