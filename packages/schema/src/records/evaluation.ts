import { type Static, Type } from "typebox";

import { defineRecord } from "../record-kind.ts";
import { Meta } from "./lineage.ts";
import { Messages } from "./message.ts";

/** One question of a benchmark. */
export const itemRecord = defineRecord({
  tag: "item/1",
  title: "One question of a benchmark",
  fields: {
    id: Type.String({ minLength: 1 }),
    benchmark: Type.String({ minLength: 1 }),
    prompt: Messages,
    choices: Type.Optional(
      Type.Array(Type.String(), { minItems: 2, description: "the options of a multiple choice" }),
    ),
    gold: Type.Array(Type.String(), {
      description: "accepted answers; for a multiple choice the index of the right option",
    }),
    source: Type.Optional(
      Type.String({
        description: "id of the document it was made from: intervals are clustered by it",
      }),
    ),
    meta: Type.Optional(Meta),
  },
  identity: ["benchmark", "prompt", "choices", "gold"],
  upgrades: [(row) => row],
});
export const EvaluationItem = itemRecord.schema;
export type EvaluationItem = Static<typeof EvaluationItem>;

/** What one model answered to one item, and how it was scored. */
export const resultRecord = defineRecord({
  tag: "result/1",
  title: "A scored answer",
  fields: {
    item: Type.String({ description: "id of the item" }),
    benchmark: Type.String(),
    model: Type.String(),
    sample: Type.Optional(Type.Integer({ minimum: 0 })),
    reply: Type.String(),
    extracted: Type.Union([Type.String(), Type.Null()], {
      description: "the answer found in the reply; null where none was",
    }),
    verdict: Type.Enum(["right", "wrong", "unscored"], {
      description: "unscored: no gold, no answer, or a judge's nonsense",
    }),
    scores: Type.Record(Type.String(), Type.Number(), { description: "metric to value" }),
    logprobs: Type.Optional(
      Type.Array(Type.Number(), { description: "log-likelihood of each option" }),
    ),
    meta: Type.Optional(Meta),
  },
  identity: ["item", "model", "sample"],
  upgrades: [(row) => row],
});
export const EvaluationResult = resultRecord.schema;
export type EvaluationResult = Static<typeof EvaluationResult>;

/** A number with what it takes to believe it. */
export const Figure = Type.Object({
  value: Type.Number(),
  low: Type.Number({ description: "lower end of the 95% interval" }),
  high: Type.Number({ description: "upper end of the 95% interval" }),
  n: Type.Integer({ minimum: 0 }),
  method: Type.String({ description: "how the interval was made, e.g. wilson, bootstrap" }),
});
export type Figure = Static<typeof Figure>;

/** Figures of models on benchmarks, and paired comparisons between models. */
export const reportRecord = defineRecord({
  tag: "report/1",
  title: "Figures of models on benchmarks",
  fields: {
    figures: Type.Array(
      Type.Object({
        model: Type.String(),
        benchmark: Type.String(),
        group: Type.Optional(
          Type.String({ description: "a part of the benchmark: a skill, a language" }),
        ),
        metric: Type.String(),
        figure: Figure,
        unscored: Type.Integer({ minimum: 0 }),
      }),
    ),
    comparisons: Type.Array(
      Type.Object({
        a: Type.String(),
        b: Type.String(),
        benchmark: Type.String(),
        group: Type.Optional(Type.String()),
        metric: Type.String(),
        difference: Figure,
        p: Type.Number({ minimum: 0, maximum: 1, description: "after correction" }),
        test: Type.String(),
        verdict: Type.Enum(["better", "worse", "not distinguishable"], {
          description: "b against a",
        }),
      }),
    ),
  },
  identity: ["figures", "comparisons"],
  upgrades: [(row) => row],
});
export const EvaluationReport = reportRecord.schema;
export type EvaluationReport = Static<typeof EvaluationReport>;
