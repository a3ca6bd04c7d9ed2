import { type Static, Type } from "typebox";

import { defineRecord } from "../record-kind.ts";

const Timestamp = Type.String({ description: "ISO 8601, UTC" });

/** What a stage's rows cost. */
export const Spending = Type.Object({
  calls: Type.Integer({ minimum: 0, description: "answers paid for" }),
  cached: Type.Integer({ minimum: 0, description: "answers found in the ledger" }),
  inputTokens: Type.Number({ minimum: 0 }),
  outputTokens: Type.Number({ minimum: 0 }),
  cost: Type.Number({ minimum: 0, description: "US dollars" }),
});
export type Spending = Static<typeof Spending>;

/** What one stage of a run did: `stages/<stage>/stage.json`. */
export const stageRecord = defineRecord({
  tag: "stage/1",
  title: "What one stage of a run did",
  fields: {
    stage: Type.String({ minLength: 1 }),
    key: Type.String({
      description:
        "hash of inputs, configuration and code version: the stage runs again when it changes",
    }),
    inputs: Type.Array(Type.Object({ name: Type.String(), hash: Type.String() })),
    outputs: Type.Array(
      Type.Object({
        path: Type.String(),
        hash: Type.String(),
        rows: Type.Optional(Type.Integer({ minimum: 0 })),
      }),
    ),
    config: Type.Unknown(),
    code: Type.String({ description: "version of the code that ran" }),
    status: Type.Enum(["running", "done", "failed"]),
    counts: Type.Object({
      in: Type.Integer({ minimum: 0 }),
      out: Type.Integer({ minimum: 0 }),
      dropped: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
        description: "rows by reason code",
      }),
    }),
    spending: Type.Optional(Spending),
    startedAt: Timestamp,
    seconds: Type.Optional(Type.Number({ minimum: 0 })),
    error: Type.Optional(Type.String()),
  },
  identity: ["stage", "key"],
  upgrades: [(row) => row],
});
export const StageManifest = stageRecord.schema;
export type StageManifest = Static<typeof StageManifest>;

/** What a run is: `run.json` of its folder. */
export const runRecord = defineRecord({
  tag: "run/1",
  title: "What a run is",
  fields: {
    name: Type.String({ minLength: 1 }),
    config: Type.Unknown({
      description: "the resolved configuration, defaults included, keys of providers never",
    }),
    versions: Type.Record(Type.String(), Type.String()),
    seed: Type.Integer({ minimum: 0 }),
    host: Type.Object({
      platform: Type.String(),
      arch: Type.String(),
      cpus: Type.Integer({ minimum: 1 }),
      memory: Type.Number({ minimum: 0, description: "bytes" }),
      node: Type.String(),
    }),
    stages: Type.Array(Type.String(), { description: "in the order in which they run" }),
    createdAt: Timestamp,
  },
  identity: ["name", "config", "seed"],
  upgrades: [(row) => row],
});
export const RunManifest = runRecord.schema;
export type RunManifest = Static<typeof RunManifest>;
