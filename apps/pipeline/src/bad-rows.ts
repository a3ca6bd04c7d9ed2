import { type BadRowOptions, dropLog, type DropLog } from "@postgrad/dataset";
import { Type } from "typebox";

import type { Context } from "./command.ts";
import { pathOf } from "./paths.ts";

/** Options of every command that reads rows which do not depend on each other. */
export const badRowOptions = {
  onBadRow: Type.Enum(["stop", "skip"], {
    default: "stop",
    description:
      "what a row that cannot be used does; skipped rows go to a side file with the reason",
  }),
  drops: Type.Optional(Type.String({ description: "the side file (default: OUT.drops.jsonl)" })),
};

/** What a command hands to its steps, and the side file that it closes when all went well. */
export interface BadRows {
  readonly options: BadRowOptions;
  readonly log: DropLog;
  /** The side file's path. */
  readonly path: string;
}

/** Opens the side file for rows that leave the stream on the way to `out`. */
export function badRows(
  { onBadRow, drops }: { readonly onBadRow: "stop" | "skip"; readonly drops?: string | undefined },
  out: string,
  context: Context,
): BadRows {
  const path = pathOf(context, drops ?? `${out.replace(/\/+$/, "")}.drops.jsonl`);
  const log = dropLog(path);
  return { options: { onBadRow, onDrop: log.add }, log, path };
}
