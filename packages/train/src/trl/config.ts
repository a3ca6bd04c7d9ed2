import { type Static, Type } from "typebox";

/** How a model is laid over the GPUs: one, copies (DDP), or shards of it (FSDP, DeepSpeed ZeRO stage 3). */
export const Parallelism = Type.Enum(["single", "ddp", "fsdp", "zero3"]);
export type Parallelism = Static<typeof Parallelism>;

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));
const real = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }));
const whole = (preset: number, description: string, minimum = 1) =>
  Type.Integer({ minimum, default: preset, description });

const what = {
  model: Type.String({ minLength: 1, description: "checkpoint folder or hub id to start from" }),
  data: text("file or folder of rows, where they are not handed over as a stream"),
  reference: text("frozen reference of preference losses, where it is not the model itself"),
  out: Type.String({ minLength: 1, description: "folder of the trained model; must not exist" }),
};

/** The loss and the options of all losses; `chooseLoss` refuses those that belong to another. */
const losses = {
  loss: Type.String({ default: "sft", description: "sft, dpo, ipo, slic, hinge or dpo-norm" }),
  beta: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: "of dpo, ipo, hinge" })),
  delta: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: "of slic" })),
  lambda: real("of slic"),
  labelSmoothing: real("of dpo and dpo-norm"),
  logps: Type.Optional(Type.Enum(["sum", "mean"], { description: "of ipo and slic" })),
  regulariser: Type.Optional(Type.Enum(["tokens", "mean", "sum"], { description: "of slic" })),
};

const optimiser = {
  lr: Type.Number({ exclusiveMinimum: 0, default: 1e-5, description: "peak learning rate" }),
  schedule: Type.Enum(["constant", "linear", "cosine"], {
    default: "linear",
    description: "learning rate after warm-up",
  }),
  warmup: Type.Number({
    minimum: 0,
    default: 0.03,
    description: "steps of linear warm-up; below 1: a share of all steps",
  }),
  weightDecay: Type.Number({ minimum: 0, default: 0, description: "decoupled (AdamW)" }),
  maxGradNorm: Type.Number({ minimum: 0, default: 1, description: "0: no clipping" }),
  batchSize: whole(128, "rows of one optimiser step, over all GPUs"),
  perDevice: whole(1, "rows that one GPU takes at once; the rest is accumulated"),
  epochs: Type.Number({ exclusiveMinimum: 0, default: 1, description: "passes over the rows" }),
  steps: Type.Optional(
    Type.Integer({ minimum: 1, description: "optimiser steps, instead of epochs" }),
  ),
  seed: whole(0, "seed of dropout and of new adapters", 0),
};

const sequences = {
  maxLength: whole(2048, "tokens of a sequence", 2),
  truncate: Type.Enum(["end", "start", "drop"], {
    default: "end",
    description: "which side of longer rows is cut, or whether they are left out",
  }),
  packing: Type.Boolean({
    default: false,
    description: "put short rows, in order, into one sequence without attention across them",
  }),
  attention: Type.Optional(
    Type.String({
      description:
        "implementation in transformers (default: flash_attention_2 if packed, else sdpa)",
    }),
  ),
};

const adapter = {
  loraRank: whole(0, "rank of LoRA adapters, merged in the end; 0: full fine-tuning", 0),
  loraAlpha: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: "default: twice the rank" }),
  ),
  loraTargets: Type.Optional(
    Type.Array(Type.String(), { description: "modules with adapters (default: all linear ones)" }),
  ),
};

const machines = {
  parallelism: Type.Optional(Parallelism),
  gpus: whole(1, "GPUs of each machine; 0: train on the CPU", 0),
  machines: whole(1, "machines"),
  mainAddress: text("address of the first machine, where there are several and no Slurm"),
  mainPort: whole(29500, "port that the processes meet at"),
  offload: Type.Boolean({
    default: false,
    description: "keep parameters and optimiser in main memory (fsdp, zero3)",
  }),
  precision: Type.Optional(
    Type.Enum(["bf16", "fp16", "fp32"], {
      description: "of the arithmetic (default: bf16, on the CPU fp32)",
    }),
  ),
  gradientCheckpointing: Type.Boolean({
    default: true,
    description: "recompute activations: slower, in less memory",
  }),
};

const slurm = {
  slurm: Type.Boolean({
    default: false,
    description: "submit with sbatch instead of starting here",
  }),
  slurmPartition: text("partition"),
  slurmAccount: text("account"),
  slurmTime: text("time limit, e.g. 24:00:00; the run is saved five minutes before"),
  slurmSetup: Type.Optional(
    Type.Array(Type.String(), {
      description: "shell lines before the launch, e.g. module load cuda",
    }),
  ),
};

const running = {
  python: Type.String({ default: "python3", description: "interpreter that has TRL" }),
  workers: whole(0, "processes that tokenise; 0: the first training process itself", 0),
  saveEvery: whole(500, "steps between checkpoints"),
  resume: Type.Boolean({
    default: false,
    description: "go on from the last checkpoint of this run",
  }),
  dryRun: Type.Boolean({ default: false, description: "write all files, start nothing" }),
};

/** Every option of `backend: "trl"`. Closed: a misspelt key is an error that says which one was meant. */
export const HandOffConfig = Type.Object(
  {
    ...what,
    ...losses,
    ...optimiser,
    ...sequences,
    ...adapter,
    ...machines,
    ...slurm,
    ...running,
  },
  { additionalProperties: false, title: "Training with TRL" },
);
export type HandOffConfig = Static<typeof HandOffConfig>;
