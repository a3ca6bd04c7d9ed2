import { stringify } from "yaml";

import type { Job } from "./job.ts";

/** The file that `accelerate launch --config_file` reads (accelerate 1.14). A machine's rank is given at the launch. */
export function accelerateYaml(job: Job): string {
  // accelerate reads YAML 1.1, where an unquoted `no` is false.
  return stringify(accelerateConfig(job), { version: "1.1" });
}

const distributedTypes = {
  single: "NO",
  ddp: "MULTI_GPU",
  fsdp: "FSDP",
  zero3: "DEEPSPEED",
} as const;

/** The same as an object. */
export function accelerateConfig({
  config,
  chosen: { loss },
  parallelism,
  precision,
  processes,
}: Job): Record<string, unknown> {
  return {
    compute_environment: "LOCAL_MACHINE",
    debug: false,
    distributed_type: distributedTypes[parallelism],
    downcast_bf16: "no",
    ...(parallelism === "fsdp" ? { fsdp_config: fsdp(config.offload, loss.rows === "pairs") } : {}),
    ...(parallelism === "zero3" ? { deepspeed_config: zero3(config.offload) } : {}),
    machine_rank: 0,
    ...(config.machines > 1 && config.mainAddress
      ? { main_process_ip: config.mainAddress, main_process_port: config.mainPort }
      : {}),
    main_training_function: "main",
    mixed_precision: precision === "fp32" ? "no" : precision,
    num_machines: config.machines,
    num_processes: processes,
    rdzv_backend: "static",
    same_network: true,
    use_cpu: config.gpus === 0,
  };
}

const fsdp = (offload: boolean, hasReference: boolean) => ({
  fsdp_activation_checkpointing: false, // the trainer's own gradient checkpointing does it
  fsdp_auto_wrap_policy: "TRANSFORMER_BASED_WRAP",
  // Each process loads its own: TRL shards a reference without sending it the first process's weights.
  fsdp_cpu_ram_efficient_loading: !hasReference,
  fsdp_offload_params: offload,
  fsdp_reshard_after_forward: true,
  fsdp_state_dict_type: "FULL_STATE_DICT", // so that one folder is saved
  fsdp_version: 2,
});

const zero3 = (offload: boolean) => ({
  deepspeed_multinode_launcher: "standard",
  offload_optimizer_device: offload ? "cpu" : "none",
  offload_param_device: offload ? "cpu" : "none",
  zero3_init_flag: true,
  zero3_save_16bit_model: true,
  zero_stage: 3,
});
