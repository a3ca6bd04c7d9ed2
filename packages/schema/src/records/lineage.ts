import { type Static, Type } from "typebox";

/** One answer of a language model that went into a row. */
export const AgentCall = Type.Object({
  agent: Type.String({ description: "id of the agent, e.g. synthesis/rc/literal" }),
  model: Type.String({ description: "provider:model as it was asked for" }),
  prompt: Type.String({
    description: "hash of the rendered messages, output schema and parameters: the ledger's key",
  }),
  sample: Type.Optional(
    Type.Integer({ minimum: 0, description: "which of several samples of the same question" }),
  ),
  attempts: Type.Integer({ minimum: 1, description: "calls until the answer was valid" }),
  inputTokens: Type.Number({ minimum: 0 }),
  outputTokens: Type.Number({ minimum: 0 }),
  cost: Type.Number({ minimum: 0, description: "US dollars, 0 where the price is not known" }),
});
export type AgentCall = Static<typeof AgentCall>;

/** Where a row comes from, back to the documents. */
export const Lineage = Type.Object({
  seeds: Type.Optional(
    Type.Array(Type.String(), { description: "ids of seed documents; splits are made by these" }),
  ),
  passages: Type.Optional(Type.Array(Type.String(), { description: "ids of passages" })),
  parents: Type.Optional(
    Type.Array(Type.String(), { description: "ids of the rows this one was made from" }),
  ),
  calls: Type.Optional(Type.Array(AgentCall)),
});
export type Lineage = Static<typeof Lineage>;

/** What is known about a row beside its text. Open: a method adds fields of its own. */
export const Meta = Type.Object({
  skill: Type.Optional(Type.String()),
  language: Type.Optional(Type.String({ description: "BCP-47 tag" })),
  strategy: Type.Optional(Type.String()),
  license: Type.Optional(Type.String({ description: "SPDX identifier" })),
  lineage: Type.Optional(Lineage),
});
export type Meta = Static<typeof Meta>;
