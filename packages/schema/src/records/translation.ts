import { type Static, Type } from "typebox";

import { defineRecord } from "../record-kind.ts";
import { conversationFields } from "./example.ts";

/** How a check of a translated row ended; `unverified` where it could not be made. */
export const CheckResult = Type.Object({
  check: Type.String(),
  result: Type.Enum(["passed", "failed", "unverified"]),
  detail: Type.Optional(Type.String()),
});
export type CheckResult = Static<typeof CheckResult>;

/** A conversation selectively translated from a source conversation. */
export const translationRecord = defineRecord({
  tag: "translation/1",
  title: "A selectively translated conversation",
  fields: {
    ...conversationFields,
    translation: Type.Object({
      source: Type.String({ description: "id of the source row" }),
      from: Type.String({ description: "BCP-47 tag of the source" }),
      to: Type.String({ description: "BCP-47 tag of the row" }),
      taskKind: Type.Enum([
        "general",
        "code",
        "translation",
        "linguistic",
        "classification",
        "math",
        "tool-use",
        "other",
      ]),
      backend: Type.String({
        description: "who translated: llm-selective, llm-direct, a machine translation system",
      }),
      kept: Type.Array(Type.Object({ text: Type.String(), reason: Type.String() }), {
        description: "spans left as they were",
      }),
      checks: Type.Array(CheckResult),
    }),
  },
  identity: ["messages", "tools"],
  upgrades: [(row) => row],
});
export const Translation = translationRecord.schema;
export type Translation = Static<typeof Translation>;
