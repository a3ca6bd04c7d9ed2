import { type Static, Type } from "typebox";

import { defineRecord } from "../record-kind.ts";
import { conversationFields } from "./example.ts";

/** A task answered with a chosen strategy; `messages` is what the student sees, so it trains as an example does. */
export const demonstrationRecord = defineRecord({
  tag: "demonstration/1",
  title: "A strategy demonstration",
  fields: {
    ...conversationFields,
    strategy: Type.Object({
      id: Type.String({ description: "e.g. step-by-step" }),
      cluster: Type.String({ description: "the group of tasks for which the strategy was chosen" }),
      instruction: Type.String({
        description: "the teacher's system message, which the student does not see",
      }),
      erased: Type.Enum(["cautious", "generic", "empty", "none"], {
        description: "what stands in its place",
      }),
    }),
  },
  identity: ["messages", "tools"],
  upgrades: [(row) => row],
});
export const Demonstration = demonstrationRecord.schema;
export type Demonstration = Static<typeof Demonstration>;
