import type { Job } from "./job.ts";
import type { ReferenceLogps } from "./reference.ts";

/**
 * The fields of TRL's SFTConfig or DPOConfig for a job. Names and meanings as of TRL 1.9.0 and transformers 5; the driver adds
 * `output_dir` and `warmup_steps`, which depend on its folder and on the rows that are left after tokenising.
 */
export function trlArguments(
  job: Job,
  reference: ReferenceLogps = "precomputed",
): Record<string, unknown> {
  const { config, chosen, precision, accumulate, attention } = job;
  return {
    ...(config.steps === undefined
      ? { num_train_epochs: config.epochs }
      : { max_steps: config.steps }),
    per_device_train_batch_size: config.perDevice,
    gradient_accumulation_steps: accumulate,
    learning_rate: config.lr,
    lr_scheduler_type: config.schedule === "constant" ? "constant_with_warmup" : config.schedule,
    optim: "adamw_torch",
    weight_decay: config.weightDecay,
    adam_beta1: 0.9,
    adam_beta2: 0.999,
    adam_epsilon: 1e-8,
    max_grad_norm: config.maxGradNorm,
    seed: config.seed,
    bf16: precision === "bf16",
    fp16: precision === "fp16",
    use_cpu: config.gpus === 0,
    gradient_checkpointing: config.gradientCheckpointing,
    logging_steps: 1,
    logging_first_step: true,
    logging_nan_inf_filter: false, // a loss that is not finite must be seen, not averaged away
    save_strategy: "steps",
    save_steps: config.saveEvery,
    save_total_limit: 2,
    report_to: "none",
    disable_tqdm: true, // a bar would fill the log
    ddp_timeout: 86_400, // the others wait while the first process tokenises
    max_length: null, // the driver has cut the rows already
    model_init_kwargs: { dtype: "float32", attn_implementation: attention },
    ...(chosen.loss.rows === "pairs" ? pairArguments(job, reference) : completionArguments(job)),
  };
}

/** Packed rows lie one behind the other in one sequence without padding, with positions of their own. */
const completionArguments = ({ config, trlLoss }: Job) => ({
  loss_type: trlLoss,
  padding_free: config.packing,
});

const pairArguments = ({ chosen, trlLoss }: Job, reference: ReferenceLogps) => ({
  // A loss that the driver computes still needs a name that TRL knows; it is never asked for it.
  loss_type: [trlLoss ?? "sigmoid"],
  ...(typeof chosen.options["beta"] === "number" ? { beta: chosen.options["beta"] } : {}),
  precompute_ref_log_probs: reference !== "online", // what is stored, or not needed, the driver hands over
});
