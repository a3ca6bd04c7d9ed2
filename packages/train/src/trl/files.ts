import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { accelerateYaml } from "./accelerate.ts";
import { trlArguments } from "./arguments.ts";
import type { WrittenData } from "./data.ts";
import type { Job } from "./job.ts";
import { referenceLogps } from "./reference.ts";
import { sbatchText } from "./slurm.ts";

/** Name of the rows' file within the work folder. */
export const dataFile = "train.jsonl";

/** The program that trains: one file, without anything of ours beside it. */
export const driverFile = fileURLToPath(new URL("../../assets/trl/driver.py", import.meta.url));

/** What the driver reads. Keys are Python's. */
export type DriverSettings = Readonly<Record<string, unknown>>;

/** The driver's settings for a job and the rows that were written for it. */
export function driverSettings(job: Job, data: WrittenData): DriverSettings {
  const { config, chosen } = job;
  const { loss, options } = chosen;
  const reference = referenceLogps(job, data.hasReferenceLogps);
  return {
    model: config.model,
    reference: config.reference ?? null,
    rows: loss.rows,
    loss: loss.name,
    loss_options: options,
    own_loss: job.trlLoss === undefined,
    reference_logps: reference,
    data: dataFile,
    data_bytes: data.bytes,
    data_sha256: data.sha256,
    max_length: config.maxLength,
    truncate: config.truncate,
    packing: config.packing,
    warmup: config.warmup,
    workers: config.workers,
    lora: loraSettings(job),
    arguments: trlArguments(job, reference),
  };
}

/** Writes everything beside the rows: settings, driver, accelerate's configuration, Slurm's job. */
export async function writeJobFiles(
  job: Job,
  folder: string,
  settings: DriverSettings,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await copyFile(driverFile, join(folder, "driver.py"));
  await writeFile(join(folder, "accelerate.yaml"), accelerateYaml(job));
  if (job.config.slurm) await writeFile(join(folder, "job.sbatch"), sbatchText(job, folder));
  await writeFile(join(folder, "settings.json"), `${JSON.stringify(settings, null, 2)}\n`);
}

/** The settings of an earlier start in this folder, `undefined` where there was none. */
export async function writtenSettings(folder: string): Promise<DriverSettings | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, "settings.json"), "utf8")) as DriverSettings;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function loraSettings({ config }: Job): Record<string, unknown> | null {
  if (config.loraRank === 0) return null;
  return {
    r: config.loraRank,
    lora_alpha: config.loraAlpha ?? 2 * config.loraRank,
    target_modules: config.loraTargets ?? "all-linear",
  };
}
