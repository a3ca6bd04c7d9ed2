import { parseConfig, PostgradError } from "@postgrad/schema";

import { chooseLoss, type ChosenLoss } from "../losses/choose.ts";
import { HandOffConfig, type Parallelism } from "./config.ts";

/** A checked configuration with everything that follows from it. */
export interface Job {
  readonly config: HandOffConfig;
  readonly chosen: ChosenLoss;
  readonly parallelism: Parallelism;
  readonly precision: "bf16" | "fp16" | "fp32";
  readonly attention: string;
  /** Training processes on all machines together. */
  readonly processes: number;
  /** Times that each process takes `perDevice` rows before the optimiser's step. */
  readonly accumulate: number;
  /** Whether the loss is TRL's own; else the driver computes it. */
  readonly trlLoss: string | undefined;
}

/**
 * The job that `options` describe.
 *
 * @throws PostgradError `schema/invalid`, `train/unknown-loss`, `train/wrong-option`, or `train/trl-...` for what does not fit
 * together; each names the values and the remedy.
 */
export function handOffJob(options: Partial<HandOffConfig>): Job {
  const config = parseConfig(HandOffConfig, options, { file: "training with TRL" });
  const { beta, delta, lambda, labelSmoothing, logps, regulariser } = config;
  const chosen = chooseLoss(config.loss, {
    beta,
    delta,
    lambda,
    labelSmoothing,
    logps,
    regulariser,
  });
  const parallelism = config.parallelism ?? (config.gpus * config.machines > 1 ? "ddp" : "single");
  const processes = Math.max(1, config.gpus) * config.machines;
  const job: Job = {
    config,
    chosen,
    parallelism,
    precision: config.precision ?? (config.gpus === 0 ? "fp32" : "bf16"),
    attention: config.attention ?? (config.packing ? "flash_attention_2" : "sdpa"),
    processes,
    accumulate: config.batchSize / (processes * config.perDevice),
    trlLoss: trlLossOf(chosen),
  };
  const wrong = contradictionOf(job);
  if (wrong) throw new PostgradError(`train/trl-${wrong.code}`, wrong.message);
  return job;
}

/**
 * TRL's name of a loss (1.9.0), where TRL computes the same; `undefined` where it does not. TRL's `hinge` is the one with a
 * reference, its `ipo` takes means, and its `sigmoid` knows no label smoothing.
 */
function trlLossOf({ loss, options }: ChosenLoss): string | undefined {
  const isSmoothed = Boolean(options["labelSmoothing"]);
  if (loss.name === "dpo") return isSmoothed ? undefined : "sigmoid";
  if (loss.name === "dpo-norm") return isSmoothed ? undefined : "sigmoid_norm";
  if (loss.name === "ipo") return options["logps"] === "mean" ? "ipo" : undefined;
  return { sft: "nll", hinge: "hinge" }[loss.name];
}

interface Contradiction {
  readonly code: string;
  readonly message: string;
}

/** The first thing that does not fit together. */
function contradictionOf({
  config,
  chosen,
  parallelism,
  processes,
  accumulate,
  ...job
}: Job): Contradiction | undefined {
  const { batchSize, perDevice, gpus, machines, packing, mainAddress, offload } = config;
  if (!Number.isInteger(accumulate)) {
    const message = `batchSize ${batchSize} is no multiple of ${processes} processes x perDevice ${perDevice}: take a multiple of ${processes * perDevice}`;
    return { code: "batch", message };
  }
  if (parallelism === "single" && processes > 1) {
    const message = `parallelism "single" is one process, but gpus ${gpus} x machines ${machines} are ${processes}: take ddp, fsdp or zero3`;
    return { code: "parallelism", message };
  }
  if (gpus === 0 && (parallelism !== "single" || machines > 1 || job.precision === "fp16")) {
    const message = `gpus 0 trains on the CPU of one machine in fp32 or bf16 (found parallelism ${parallelism}, machines ${machines}, precision ${job.precision})`;
    return { code: "cpu", message };
  }
  if (offload && parallelism !== "fsdp" && parallelism !== "zero3") {
    const message = `offload belongs to parallelism fsdp and zero3, and this is ${parallelism}: drop one of them`;
    return { code: "offload", message };
  }
  if (machines > 1 && !config.slurm && !mainAddress) {
    const message = `machines ${machines} without slurm need mainAddress: the address of the first machine`;
    return { code: "address", message };
  }
  if (packing && chosen.loss.rows === "pairs") {
    const message = `packing is for sft; a pair of "${chosen.loss.name}" stays apart: drop packing`;
    return { code: "packing", message };
  }
  if (packing && !job.attention.startsWith("flash")) {
    const message = `packing with attention "${job.attention}" would let rows see each other: take flash_attention_2, or drop packing`;
    return { code: "packing", message };
  }
  return undefined;
}
