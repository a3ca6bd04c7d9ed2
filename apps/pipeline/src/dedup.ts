import {
  chain,
  dedup as dedupRows,
  nearDedup,
  NearDedupConfig,
  readRows,
  writeRows,
} from "@postgrad/dataset";
import { Type } from "typebox";

import { badRowOptions, badRows } from "./bad-rows.ts";
import { defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { reportWritten } from "./report-written.ts";

export const dedup = defineCommand({
  name: "dedup",
  summary: "leaves out rows that repeat an earlier one, exactly or nearly",
  example: "postgrad dedup rows.jsonl unique.jsonl --near --threshold 0.8",
  positionals: ["in", "out"],
  options: Type.Object(
    {
      in: Type.String({ description: "file or folder of records" }),
      out: Type.String({
        description: "file to write; rows left out go to the side file with what they repeat",
      }),
      near: Type.Boolean({
        default: false,
        description: "also rows whose text is nearly the same (MinHash-LSH)",
      }),
      ...NearDedupConfig.properties,
      ...badRowOptions,
    },
    { additionalProperties: false },
  ),
  run: async ({ in: source, out, near, onBadRow, drops: side, ...settings }, context) => {
    const drops = badRows({ onBadRow, ...(side !== undefined && { drops: side }) }, out, context);
    await using _ = drops.log;
    const onDrop = drops.log.add;
    const steps = [
      dedupRows<object>({ onDrop }),
      ...(near ? [nearDedup<object>({ ...settings, onDrop })] : []),
    ];
    const rows = readRows(pathOf(context, source), undefined, drops.options);
    const written = await writeRows(pathOf(context, out), chain<object>(...steps)(rows));
    await reportWritten(context, written, drops);
  },
});
