import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type TensorToWrite, writeSafetensors } from "@postgrad/model";
import { PostgradError, validate } from "@postgrad/schema";
import { type Static, Type } from "typebox";

import type { Moments } from "../optimizer/adamw.ts";
import { floatTensor } from "./float-tensor.ts";
import { type ModelState, writeModelFolder } from "./model-folder.ts";
import { readFloats } from "./read-floats.ts";

/** What a run needs to go on, beside weights and moments. */
export const RunState = Type.Object({
  /** Optimiser steps done. */
  step: Type.Integer({ minimum: 0 }),
  /** Tokens read so far. */
  tokens: Type.Integer({ minimum: 0 }),
  /** Digest of the order of the whole run's rows: the curriculum goes on within it. */
  order: Type.String(),
  /** The settings that decide the weights. */
  settings: Type.Record(Type.String(), Type.Unknown()),
});
export type RunState = Static<typeof RunState>;

const stateFile = "trainer_state.json";
const momentsFile = "optimizer.safetensors";
const factorsFile = "factors.safetensors";

/** What is saved. */
export interface Saved extends ModelState {
  readonly state: RunState;
  readonly moments: ReadonlyMap<string, Moments>;
}

/**
 * Writes `checkpoint-STEP` under `out`: a model folder that loads as it is, with the state to go on from. It is written beside
 * and moved into place, so a checkpoint is whole or not there; older ones than the last `keep` are removed after that.
 */
export async function saveCheckpoint(out: string, saved: Saved, keep: number): Promise<string> {
  const folder = join(out, `checkpoint-${saved.state.step}`);
  const partial = join(out, `.checkpoint-${saved.state.step}.partial`);
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await writeModelFolder(partial, saved);
    await writeSafetensors(join(partial, momentsFile), momentTensors(saved.moments));
    if (saved.adapter) await writeSafetensors(join(partial, factorsFile), trainedTensors(saved));
    await writeFile(join(partial, stateFile), `${JSON.stringify(saved.state, null, 2)}\n`, {
      flush: true,
    });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    await syncFolder(out);
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw new PostgradError(
      "train/write",
      `the checkpoint ${folder} could not be written (${(cause as Error).message}); earlier ones are whole: make room and go on with resume`,
      { fault: "system", cause },
    );
  }
  const steps = await checkpointSteps(out);
  for (const step of steps.slice(0, -keep))
    await rm(join(out, `checkpoint-${step}`), { recursive: true });
  return folder;
}

/** The newest checkpoint under `out`, or undefined. */
export async function lastCheckpoint(
  out: string,
): Promise<{ readonly folder: string; readonly state: RunState } | undefined> {
  const step = (await checkpointSteps(out)).at(-1);
  if (step === undefined) return undefined;
  const folder = join(out, `checkpoint-${step}`);
  const file = join(folder, stateFile);
  const state = validate(RunState, JSON.parse(await readFile(file, "utf8")), { file });
  return { folder, state };
}

/** Steps of the checkpoints under `out`, ascending. */
export async function checkpointSteps(out: string): Promise<number[]> {
  const names = await readdir(out).catch(() => []);
  return names
    .map((name) => /^checkpoint-(\d+)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** The moments of a checkpoint, by tensor name. */
export async function readMoments(folder: string): Promise<Map<string, Moments>> {
  const tensors = await readFloats(join(folder, momentsFile));
  const names = [...tensors.keys()].filter((name) => name.startsWith("first."));
  return new Map(
    names.map((name) => {
      const own = name.slice("first.".length);
      return [own, { first: tensors.get(name)!, second: tensors.get(`second.${own}`)! }];
    }),
  );
}

/** The trained tensors of a checkpoint with an adapter: the factors, unmerged. */
export const readFactors = async (folder: string): Promise<Map<string, Float32Array>> =>
  readFloats(join(folder, factorsFile));

const momentTensors = (moments: ReadonlyMap<string, Moments>): readonly TensorToWrite[] =>
  [...moments].flatMap(([name, { first, second }]) => [
    floatTensor(`first.${name}`, [first.length], () => first),
    floatTensor(`second.${name}`, [second.length], () => second),
  ]);

const trainedTensors = ({ weights, moments }: Saved): readonly TensorToWrite[] =>
  [...moments].map(([name, { first }]) =>
    floatTensor(name, [first.length], () => weights.get(name)!),
  );

/** After this a moved file stays moved, whatever happens to the machine. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
