import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { dropLog } from "@postgrad/dataset";
import {
  canonicalJson,
  type Drop,
  parseRecord,
  type PipelineConfig,
  PostgradError,
  records,
  type StageManifest,
} from "@postgrad/schema";

import type { Stage } from "./stage.ts";

/** What a run is given. */
export interface RunOptions {
  readonly config: PipelineConfig;
  readonly seeds: string;
  /** The run folder. */
  readonly folder: string;
  /** Runs stages again that have nothing new to do. */
  readonly force: boolean;
  /** Only says what would run. */
  readonly plan: boolean;
  readonly signal: AbortSignal;
  readonly onStage: (event: StageEvent) => void;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}

/** What a stage did, or with `plan` would do. */
export interface StageEvent {
  readonly stage: string;
  readonly state: "unchanged" | "would run" | "done";
  readonly manifest?: StageManifest;
}

/** Runs the stages in order; a stage whose key has not changed since it was done is left as it is. */
export async function runStages(stages: readonly Stage[], options: RunOptions): Promise<void> {
  const keys = new Map<string, string>();
  for (const stage of stages) {
    options.signal.throwIfAborted();
    const key = await keyOf(stage, keys, options);
    keys.set(stage.name, key);
    const done = options.force ? undefined : await manifestOf(options.folder, stage.name);
    if (done?.key === key && done.status === "done")
      options.onStage({ stage: stage.name, state: "unchanged", manifest: done });
    else if (options.plan) options.onStage({ stage: stage.name, state: "would run" });
    else
      options.onStage({
        stage: stage.name,
        state: "done",
        manifest: await runStage(stage, key, keys, options),
      });
  }
}

/** A hash of everything that the stage's rows hang on. */
async function keyOf(
  stage: Stage,
  keys: ReadonlyMap<string, string>,
  { config, seeds }: RunOptions,
): Promise<string> {
  const settings: unknown = await stage.settings({ config, seeds });
  const inputs = stage.inputs.map((name) => keys.get(name));
  return createHash("sha256")
    .update(canonicalJson({ stage: stage.name, version: stage.version, settings, inputs }))
    .digest("hex");
}

async function runStage(
  stage: Stage,
  key: string,
  keys: ReadonlyMap<string, string>,
  options: RunOptions,
): Promise<StageManifest> {
  const { config, seeds, folder, signal, now = Date.now } = options;
  const start = now();
  const here = stageFolder(folder, stage.name);
  // What stood there is of another key: without its manifest nobody takes it for finished.
  await rm(join(here, "stage.json"), { force: true });
  await mkdir(here, { recursive: true });
  const dropped: Record<string, number> = {};
  await using log = dropLog(join(here, "dropped.jsonl"));
  const onDrop = async (drop: Drop): Promise<void> => {
    dropped[drop.code] = (dropped[drop.code] ?? 0) + 1;
    await log.add(drop);
  };
  const rowsOf = (name: string): string => join(stageFolder(folder, name), "rows/");
  const counts = await stage.run({
    config,
    seeds,
    out: rowsOf(stage.name),
    rowsOf,
    onDrop,
    signal,
  });
  await log.close();
  const manifest: StageManifest = {
    schema: "stage/1",
    stage: stage.name,
    key,
    inputs: stage.inputs.map((name) => ({ name, hash: keys.get(name)! })),
    outputs: [{ path: "rows", hash: key, rows: counts.out }],
    config: await stage.settings({ config, seeds }),
    code: String(stage.version),
    status: "done",
    counts: { ...counts, dropped },
    startedAt: new Date(start).toISOString(),
    seconds: (now() - start) / 1000,
  };
  await writeWhole(join(here, "stage.json"), manifest);
  return manifest;
}

function stageFolder(folder: string, stage: string): string {
  return join(folder, "stages", stage);
}

async function manifestOf(folder: string, stage: string): Promise<StageManifest | undefined> {
  const path = join(stageFolder(folder, stage), "stage.json");
  try {
    return parseRecord(records.stage, JSON.parse(await readFile(path, "utf8")), { file: path });
  } catch (error) {
    // None yet, or one that is no manifest of ours: the stage runs and writes it anew.
    if (
      error instanceof SyntaxError ||
      error instanceof PostgradError ||
      (error as NodeJS.ErrnoException).code === "ENOENT"
    )
      return undefined;
    throw error;
  }
}

/** Writes JSON so that a reader sees the old file or the new one, never half of it. */
export async function writeWhole(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
  await rename(`${path}.new`, path);
}
