import { type Static, Type } from "typebox";

import { type RawRow, defineRecord } from "../record-kind.ts";
import { turns } from "./example.ts";
import { Meta } from "./lineage.ts";
import { Messages } from "./message.ts";

/** Two answers to one prompt, the better one named: TRL's explicit conversational preference format plus `meta`. */
export const preferenceRecord = defineRecord({
  tag: "preference/1",
  title: "Two answers to one prompt, the better one named",
  fields: {
    id: Type.Optional(Type.String()),
    prompt: Messages,
    chosen: Messages,
    rejected: Messages,
    ref_chosen_logps: Type.Optional(
      Type.Number({ description: "sum of the reference's log-probabilities" }),
    ),
    ref_rejected_logps: Type.Optional(Type.Number()),
    meta: Meta,
  },
  identity: ["prompt", "chosen", "rejected"],
  upgrades: [preferenceOf],
});
export const Preference = preferenceRecord.schema;
export type Preference = Static<typeof Preference>;

/** Rows of other tools: sides as text, or whole conversations without `prompt` (TRL's implicit format). */
function preferenceOf(row: RawRow): RawRow {
  const meta = row["meta"] ?? {};
  const chosen = turns(row["chosen"], "assistant");
  const rejected = turns(row["rejected"], "assistant");
  if (row["prompt"] !== undefined)
    return { ...row, prompt: turns(row["prompt"], "user"), chosen, rejected, meta };
  const shared = chosen.findIndex(
    (turn, i) => JSON.stringify(turn) !== JSON.stringify(rejected[i]),
  );
  if (shared < 1) return { ...row, meta };
  return {
    ...row,
    prompt: chosen.slice(0, shared),
    chosen: chosen.slice(shared),
    rejected: rejected.slice(shared),
    meta,
  };
}
