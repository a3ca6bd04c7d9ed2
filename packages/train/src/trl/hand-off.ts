import { existsSync } from "node:fs";
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { readRows } from "@postgrad/dataset";
import { canonicalJson, PostgradError } from "@postgrad/schema";

import type { HandOffConfig } from "./config.ts";
import { writeTrainingData } from "./data.ts";
import {
  dataFile,
  type DriverSettings,
  driverSettings,
  writeJobFiles,
  writtenSettings,
} from "./files.ts";
import { handOffJob, type Job } from "./job.ts";
import { shellText, startCommands } from "./launch.ts";
import { findingsFor, requireAll } from "./machine.ts";
import { mergedMetrics } from "./metrics.ts";
import { type DriverReport, run, type RunOptions, writtenReport } from "./run.ts";

/** The rows, in the order in which they are learnt, and how the run is watched. */
export interface HandOffInput extends RunOptions {
  /** Default: the rows of the option `data`. */
  readonly rows?: AsyncIterable<unknown> | Iterable<unknown> | undefined;
}

/** What became of a hand-off. */
export interface HandOff {
  /** Where everything was written: rows, settings, driver, launch files, checkpoints, log. */
  readonly folder: string;
  /** What starts the training, as a shell reads it: one line a machine, or the submission to Slurm. */
  readonly commands: readonly string[];
  /** Rows that were written, and rows that were left out, by reason. */
  readonly rows: number;
  readonly drops: Readonly<Record<string, number>>;
  /** Where the trained model lies; `undefined` after a dry run. */
  readonly model: string | undefined;
  readonly report: DriverReport | undefined;
}

/**
 * Trains a model with TRL and accelerate: writes the rows and all files into `<out>.trl`, starts the training there, and moves the
 * trained model, with its `metrics.jsonl`, to `out` when it is whole. With `dryRun` everything is written and nothing started.
 *
 * @throws PostgradError `train/trl-machine` before anything is written where this machine lacks something; `train/trl-exists`
 * and `train/trl-other-run` where `out` or its work folder holds something else; `train/stopped`, `train/diverged`,
 * `train/trl-failed` where the run ended early, its checkpoints kept; and all of `handOffJob`.
 */
export async function handOff(
  options: Partial<HandOffConfig>,
  { rows, ...watching }: HandOffInput = {},
): Promise<HandOff> {
  // 1. what is asked for, and whether this machine can do it; nothing has been written yet
  const job = withFullPaths(handOffJob(options));
  const { out, dryRun, resume } = job.config;
  const folder = `${out}.trl`;
  await requireFree(job, folder);
  if (!dryRun) requireAll(await findingsFor(job));

  // 2. the rows and the files; a resumed run must be the same run
  await mkdir(folder, { recursive: true });
  const part = join(folder, `${dataFile}.part`);
  const data = await writeTrainingData(rows ?? rowsOf(job), job.chosen.loss.rows, part);
  const settings = driverSettings(job, data);
  if (resume) requireSame(await writtenSettings(folder), settings, folder);
  await rename(part, join(folder, dataFile));
  await writeJobFiles(job, folder, settings);
  const commands = startCommands(job, folder);
  const planned = { folder, commands: commands.map(shellText), rows: data.rows, drops: data.drops };
  if (dryRun) return { ...planned, model: undefined, report: undefined };

  // 3. the run, unless it had ended before it could be brought back
  watching.signal?.throwIfAborted();
  const earlier = resume ? await writtenReport(folder) : undefined;
  const report =
    earlier?.status === "finished" ? earlier : await run(commands[0]!, folder, watching);
  requireFinished(report, folder);

  // 4. the model under its name
  const model = join(folder, "model");
  const metrics = await mergedMetrics(join(folder, "metrics.jsonl"));
  await writeFile(
    join(model, "metrics.jsonl"),
    metrics.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  await rename(model, out);
  return { ...planned, model: out, report };
}

function rowsOf({ config }: Job): AsyncIterable<unknown> {
  if (config.data !== undefined) return readRows(config.data);
  throw new PostgradError("train/trl-data", `no rows: set "data" to a file or a folder of them`);
}

/** Paths that stay right wherever the job is started from; what is no folder here is taken for a hub id. */
function withFullPaths(job: Job): Job {
  const full = (path: string): string => (existsSync(path) ? resolve(path) : path);
  const { model, reference, out } = job.config;
  const config = {
    ...job.config,
    model: full(model),
    ...(reference === undefined ? {} : { reference: full(reference) }),
    out: resolve(out),
  };
  return { ...job, config };
}

/** Refuses what would be overwritten, and a checkpoint that TRL cannot tokenise for. */
async function requireFree({ config }: Job, folder: string): Promise<void> {
  const { model, out, resume } = config;
  if (existsSync(out)) {
    throw new PostgradError(
      "train/trl-exists",
      `${out} exists already: take another "out", or remove it`,
    );
  }
  if (!resume && existsSync(join(folder, "train.log"))) {
    throw new PostgradError(
      "train/trl-exists",
      `${folder} holds an earlier run: set "resume" to go on with it, or remove the folder`,
    );
  }
  if (!existsSync(model)) return;
  const names = await readdir(model);
  if (!names.some((name) => name.startsWith("tokenizer"))) {
    throw new PostgradError(
      "train/trl-tokenizer",
      `${model} has no tokenizer (found ${names.join(", ") || "nothing"}), and TRL needs one: train it with the embedded trainer, which takes tokenised rows alone`,
    );
  }
}

function requireSame(
  earlier: DriverSettings | undefined,
  settings: DriverSettings,
  folder: string,
): void {
  if (earlier === undefined) return;
  const differing = Object.keys({ ...earlier, ...settings }).filter(
    (key) => canonicalJson(earlier[key]) !== canonicalJson(settings[key]),
  );
  if (differing.length === 0) return;
  const shown = differing.map(
    (key) => `  ${key}: was ${canonicalJson(earlier[key])}, is ${canonicalJson(settings[key])}`,
  );
  throw new PostgradError(
    "train/trl-other-run",
    `${folder} holds a run with other settings or rows; resume it with the same ones, or remove the folder:\n${shown.join("\n")}`,
  );
}

function requireFinished({ status, steps, planned }: DriverReport, folder: string): void {
  if (status === "finished") return;
  if (status === "diverged") {
    throw new PostgradError(
      "train/diverged",
      `the loss or its gradient is not finite at step ${steps} of ${planned}; the checkpoint before it is kept in ${join(folder, "checkpoints")}: lower "lr", or lengthen "warmup"`,
      { fault: "system" },
    );
  }
  throw new PostgradError(
    "train/stopped",
    `stopped at step ${steps} of ${planned}, which is saved; the same configuration with "resume" goes on from there`,
    { fault: "system" },
  );
}
