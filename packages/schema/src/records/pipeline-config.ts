import { type Static, Type } from "typebox";

/** The most a run may spend on teachers and judges. */
export const Budget = Type.Object(
  {
    cost: Type.Optional(Type.Number({ minimum: 0, description: "US dollars" })),
    tokens: Type.Optional(
      Type.Integer({ minimum: 0, description: "input and output tokens together" }),
    ),
  },
  { additionalProperties: false },
);
export type Budget = Static<typeof Budget>;

/** `postgrad.config.ts`. Closed: a misspelt key is an error that says which one was meant. */
export const PipelineConfig = Type.Object(
  {
    schema: Type.Optional(
      Type.Literal("pipeline-config/1", { description: "kind and version, where it is stored" }),
    ),
    name: Type.String({
      default: "default",
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
      description: "name of the run folder",
    }),
    preset: Type.Optional(Type.String({ description: "settings to start from" })),
    seeds: Type.Optional(Type.String({ description: "folder of raw documents and code" })),
    teacher: Type.Optional(Type.String({ description: "provider:model that writes the data" })),
    judge: Type.Optional(Type.String({ description: "provider:model that judges answers" })),
    model: Type.Optional(
      Type.String({ description: "folder or hub id of the student's base checkpoint" }),
    ),
    budget: Type.Optional(Budget),
    seed: Type.Integer({ minimum: 0, default: 0, description: "seed of everything that is drawn" }),
    stages: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description: "settings of single stages",
    }),
  },
  { additionalProperties: false, title: "postgrad.config.ts" },
);
export type PipelineConfig = Static<typeof PipelineConfig>;
