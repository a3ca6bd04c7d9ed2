import { basename, join } from "node:path";

import type { Job } from "./job.ts";
import { launchCommand, shellText } from "./launch.ts";

/**
 * The file that `sbatch` takes: one task a machine, each of which launches its processes. Five minutes before the time limit
 * Slurm signals the script, which asks the driver to save and to stop; submitting again goes on from there.
 */
export function sbatchText(job: Job, folder: string): string {
  const { config } = job;
  const stop = shellText(["touch", join(folder, "stop")]);
  return [
    "#!/bin/bash",
    ...directives(job, folder).map((line) => `#SBATCH ${line}`),
    "",
    ...(config.slurmSetup ?? []),
    "export HF_HUB_DISABLE_TELEMETRY=1",
    'main_address=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)',
    "export main_address",
    `trap ${shellText([stop])} USR1 TERM`,
    `srun bash -c ${shellText([perMachine(job, folder)])} &`,
    "training=$!",
    'wait "$training"; status=$?',
    "# a trapped signal ends the wait, not the training",
    'while kill -0 "$training" 2>/dev/null; do wait "$training"; status=$?; done',
    'exit "$status"',
    "",
  ].join("\n");
}

function directives({ config }: Job, folder: string): string[] {
  const { slurmPartition, slurmAccount, slurmTime } = config;
  return [
    `--job-name=${basename(config.out)}`,
    `--nodes=${config.machines}`,
    "--ntasks-per-node=1",
    ...(config.gpus > 0 ? [`--gpus-per-node=${config.gpus}`] : []),
    `--output=${join(folder, "train.log")}`,
    "--open-mode=append",
    "--signal=B:USR1@300",
    ...(slurmPartition ? [`--partition=${slurmPartition}`] : []),
    ...(slurmAccount ? [`--account=${slurmAccount}`] : []),
    ...(slurmTime ? [`--time=${slurmTime}`] : []),
  ];
}

/** Runs on every machine, where Slurm has set the rank; the variables are the inner shell's. */
function perMachine(job: Job, folder: string): string {
  const command = launchCommand(job, folder);
  if (job.config.machines === 1) return `exec ${shellText(command)}`;
  const rank = command.indexOf("--machine_rank");
  const before = shellText(command.slice(0, rank));
  const after = shellText(command.slice(rank + 2));
  return `exec ${before} --machine_rank "$SLURM_PROCID" --main_process_ip "$main_address" --main_process_port ${job.config.mainPort} ${after}`;
}
