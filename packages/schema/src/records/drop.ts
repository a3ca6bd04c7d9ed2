import { type Static, Type } from "typebox";

import { defineRecord } from "../record-kind.ts";

/** A row that left the stream, with the reason; written beside the output. */
export const dropRecord = defineRecord({
  tag: "drop/1",
  title: "A row that left the stream",
  fields: {
    code: Type.String({ description: "package/what, e.g. dataset/duplicate" }),
    reason: Type.String({ description: "the same for a person" }),
    file: Type.Optional(Type.String()),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
    row: Type.Optional(
      Type.Unknown({ description: "the row, or its text where it could not be read" }),
    ),
  },
  identity: ["code", "file", "line", "row"],
  upgrades: [(row) => row],
});
export const Drop = dropRecord.schema;
export type Drop = Static<typeof Drop>;
