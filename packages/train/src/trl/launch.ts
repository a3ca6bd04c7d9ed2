import { join } from "node:path";

import type { Job } from "./job.ts";

/** The command that starts the driver in `folder`: file first, then its arguments. */
export function launchCommand({ config }: Job, folder: string, machineRank = 0): string[] {
  return [
    config.python,
    "-m",
    "accelerate.commands.launch",
    "--config_file",
    join(folder, "accelerate.yaml"),
    ...(config.machines > 1 ? ["--machine_rank", String(machineRank)] : []),
    join(folder, "driver.py"),
  ];
}

/** What a person or a caller starts: one command a machine, or the one that submits the job to Slurm. */
export function startCommands(job: Job, folder: string): string[][] {
  if (job.config.slurm) return [["sbatch", "--wait", join(folder, "job.sbatch")]];
  return Array.from({ length: job.config.machines }, (_, rank) => launchCommand(job, folder, rank));
}

/** A command as a shell reads it. */
export const shellText = (command: readonly string[]): string => command.map(quoted).join(" ");

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
