import { SkipScheduleConfig } from "@postgrad/schema";
import { type Static, Type } from "typebox";

import { TierSchedule } from "../data/tier-schedule.ts";

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));
const above0 = (description: string) =>
  Type.Optional(Type.Number({ exclusiveMinimum: 0, description }));
const whole = (preset: number, description: string, minimum = 1) =>
  Type.Integer({ minimum, default: preset, description });
const share = (preset: number, description: string) =>
  Type.Number({ minimum: 0, exclusiveMaximum: 1, default: preset, description });

const what = {
  model: Type.String({ minLength: 1, description: "checkpoint folder or hub id to start from" }),
  reference: text("frozen reference of preference losses (default: the model at the start)"),
  data: text("rows to train on: a file or a folder"),
  out: Type.String({
    minLength: 1,
    description: "folder of the trained model and its checkpoints",
  }),
};

/** The loss and the options of all losses; those that belong to another loss are refused. */
const losses = {
  loss: Type.String({ default: "sft", description: "sft, dpo, ipo, slic, hinge or dpo-norm" }),
  beta: above0("of dpo, ipo, hinge and dpo-norm"),
  delta: above0("margin of slic"),
  lambda: Type.Optional(Type.Number({ minimum: 0, description: "regulariser's weight in slic" })),
  labelSmoothing: Type.Optional(Type.Number({ minimum: 0, description: "of dpo and dpo-norm" })),
  logps: Type.Optional(
    Type.Enum(["sum", "mean"], { description: "of ipo and slic: token sums or means" }),
  ),
  regulariser: Type.Optional(
    Type.Enum(["tokens", "mean", "sum"], {
      description: "of slic: how the likelihood is averaged",
    }),
  ),
  average: Type.Optional(
    Type.Enum(["tokens", "sequences", "sum"], {
      description: "of sft: what the mean is taken over",
    }),
  ),
};

const optimiser = {
  lr: Type.Number({ exclusiveMinimum: 0, default: 1e-5, description: "peak learning rate" }),
  schedule: Type.Enum(["constant", "linear", "cosine"], {
    default: "linear",
    description: "learning rate after warm-up",
  }),
  warmup: Type.Number({
    minimum: 0,
    default: 0,
    description: "steps of linear warm-up; below 1: a share of all steps",
  }),
  weightDecay: Type.Number({ minimum: 0, default: 0, description: "decoupled (AdamW)" }),
  beta1: share(0.9, "AdamW's mean of gradients"),
  beta2: share(0.999, "AdamW's mean of squares"),
  epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-8, description: "of AdamW" }),
  maxGradNorm: Type.Number({ minimum: 0, default: 1, description: "0: no clipping" }),
};

const amount = {
  batchSize: whole(8, "rows of a batch"),
  accumulate: whole(1, "batches of one optimiser step"),
  epochs: Type.Number({ exclusiveMinimum: 0, default: 1, description: "passes over the rows" }),
  steps: Type.Optional(
    Type.Integer({ minimum: 1, description: "optimiser steps, instead of epochs" }),
  ),
};

const order = {
  shuffle: Type.Boolean({
    default: true,
    description: "shuffle the rows, seeded; else their own order",
  }),
  curriculum: Type.Optional(TierSchedule),
  seed: whole(0, "seed of the order and of new adapters", 0),
};

const sequences = {
  maxLength: Type.Optional(
    Type.Integer({
      minimum: 2,
      description: "tokens of a sequence (default: the model's, 2048 at most)",
    }),
  ),
  truncate: Type.Enum(["end", "start", "drop"], {
    default: "end",
    description: "which side of longer rows is cut, or whether they are left out",
  }),
  packing: Type.Boolean({
    default: false,
    description: "several texts in one row, without attention across them",
  }),
  batchTokens: whole(2048, "tokens that are computed at once; larger batches are split"),
};

const adapter = {
  loraRank: whole(0, "rank of LoRA adapters; 0: full fine-tuning", 0),
  loraAlpha: above0("default: twice the rank"),
  loraTargets: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        "ends of the names of layers with adapters (default: all linear ones but the head)",
    }),
  ),
};

/** A skip schedule that training runs under, and the share of the steps over which it comes in. */
const Depth = Type.Object(
  { schedule: SkipScheduleConfig, ramp: share(0.2, "share of the steps until full skipping") },
  { additionalProperties: false },
);

const running = {
  depth: Type.Optional(Depth),
  threads: Type.Optional(Type.Integer({ minimum: 1, description: "default: all cores" })),
  saveEvery: whole(500, "steps between checkpoints; 0: only the last", 0),
  keep: whole(2, "checkpoints that are kept"),
  resume: Type.Boolean({
    default: false,
    description: "go on from the last checkpoint in the folder",
  }),
};

/** Every option of the embedded trainer. Closed: a misspelt key is an error that says which one was meant. */
export const TrainConfig = Type.Object(
  { ...what, ...losses, ...optimiser, ...amount, ...order, ...sequences, ...adapter, ...running },
  { additionalProperties: false, title: "Training" },
);
export type TrainConfig = Static<typeof TrainConfig>;

/** The names of the options that belong to losses. */
export const lossOptionNames = Object.keys(losses).filter((name) => name !== "loss");
