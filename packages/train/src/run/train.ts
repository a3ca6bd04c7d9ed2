import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { openCheckpoint } from "@postgrad/model";
import { PostgradError, type RawRow } from "@postgrad/schema";

import { writeModelFolder } from "../checkpoint/model-folder.ts";
import { lastCheckpoint, type RunState, saveCheckpoint } from "../checkpoint/resume-state.ts";
import type { Prepared, PreparedRow } from "../data/prepare.ts";
import { learningRateAt } from "../optimizer/learning-rate.ts";
import type { Stepper } from "../step/stepper.ts";
import { type MakeSchedule, prefixesUnder, rampedSchedule } from "./depth.ts";
import { Learner, readWeights } from "./learner.ts";
import {
  appendMetrics,
  keepMetrics,
  preferenceMetrics,
  type StepMetrics,
  tierCounts,
} from "./metrics.ts";
import { openRun, type OpenRun, type TrainOptions } from "./open-run.ts";
import { fingerprint, ReferenceStore } from "./reference-store.ts";
import { ensureReferences } from "./references.ts";
import { checkSameSettings, decidingSettings } from "./settings.ts";

/** What a run reports while it goes on. */
export type TrainEvent =
  | {
      readonly kind: "prepared";
      readonly prepared: Prepared;
      readonly steps: number;
      readonly from: number;
    }
  | { readonly kind: "reference"; readonly done: number; readonly all: number }
  | { readonly kind: "step"; readonly metrics: StepMetrics; readonly tokensPerSecond: number }
  | { readonly kind: "checkpoint"; readonly folder: string };

/** What `train` takes beside its options. */
export interface TrainUse {
  /** Rows to train on, instead of those of `data`. */
  readonly rows?: AsyncIterable<RawRow> | Iterable<RawRow>;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Stops behind the step in hand, with a checkpoint to go on from. */
  readonly signal?: AbortSignal;
  /** Makes the schedule of `depth`: `skipSchedule` of `@postgrad/skipdecode`. */
  readonly makeSchedule?: MakeSchedule;
  /** Milliseconds of some clock, for the tokens per second of events. */
  readonly clock?: () => number;
}

/** What came of a run. */
export interface TrainResult {
  /** The folder of the trained model. */
  readonly folder: string;
  readonly steps: number;
  /** The last step's metrics; undefined where a finished run was asked to go on. */
  readonly metrics: StepMetrics | undefined;
  readonly drops: Prepared["drops"];
  readonly truncated: number;
}

/**
 * Trains a checkpoint on ONNX Runtime. `out` becomes a Hugging Face folder of the trained model, with `metrics.jsonl` (one line
 * a step, named as TRL names them), `train.json` (the resolved options) and `checkpoint-N` folders to go on from. The same
 * options, rows and number of threads give the same weights bit for bit, whether or not the run was killed in between.
 *
 * Throws `PostgradError`: those of `openRun`; `train/out-exists` for a folder with a run and no `resume`; `train/other-run` for
 * one of other settings; `train/diverged` when loss or gradient are no longer finite, the last good weights saved;
 * `train/stale-reference`; `train/write`.
 */
export async function train(options: TrainOptions, use: TrainUse = {}): Promise<TrainResult> {
  await using run = await openRun(options, use.rows);
  const { config, prepared, steps } = run;
  const files = {
    metrics: join(config.out, "metrics.jsonl"),
    references: join(config.out, "reference-logps.jsonl"),
  };
  const signal = use.signal ?? new AbortController().signal;
  const emit = use.onEvent ?? (() => undefined);

  // 1. where to begin
  const from = await startingPoint(run);
  await mkdir(config.out, { recursive: true });
  await writeFile(join(config.out, "train.json"), `${JSON.stringify(config, null, 2)}\n`);
  await keepMetrics(files.metrics, from?.state.step ?? 0);
  emit({ kind: "prepared", prepared, steps, from: from?.state.step ?? 0 });
  await using learner = await Learner.open(run, from?.folder);

  // 2. what the reference says, once for each example
  const references = await openReferences(run, files.references, {
    use,
    learner,
    isFresh: !from,
    signal,
  });

  // 3. the steps
  let state = from?.state ?? {
    step: 0,
    tokens: 0,
    order: run.orderDigest,
    settings: decidingSettings(config),
  };
  let metrics: StepMetrics | undefined;
  const save = async (): Promise<void> => {
    const folder = await saveCheckpoint(
      config.out,
      { ...learner.model, state, moments: learner.moments },
      config.keep,
    );
    emit({ kind: "checkpoint", folder });
  };
  let saved = from?.state.step;
  while (state.step < steps) {
    if (signal.aborted) {
      if (saved !== state.step) await save();
      signal.throwIfAborted();
    }
    const began = use.clock?.() ?? performance.now();
    const rows = rowsOfStep(run, state.step);
    const found = await learner.gradient(rows, {
      referenceOf: (key) => references.get(key)!,
      prefixOf: depthAt(run, use.makeSchedule, state.step),
    });
    if (!Number.isFinite(found.loss) || !Number.isFinite(found.norm)) {
      if (saved !== state.step) await save();
      throw diverged(config.out, state.step, found);
    }
    const learningRate = learningRateAt(rateOptions(run), state.step);
    learner.update(learningRate, state.step + 1, found.norm);
    const tokens = rows.reduce(
      (sum, { texts }) => sum + texts.reduce((all, { ids }) => all + ids.length, 0),
      0,
    );
    state = { ...state, step: state.step + 1, tokens: state.tokens + tokens };
    metrics = {
      step: state.step,
      epoch: Math.min(state.step * run.perStep, run.order.length) / prepared.rows.length,
      loss: found.loss,
      grad_norm: found.norm,
      learning_rate: learningRate,
      num_tokens: state.tokens,
      ...preferenceMetrics(run.chosen, found.scored),
      ...(config.curriculum && tierCounts(rows)),
    };
    await appendMetrics(files.metrics, metrics);
    const seconds = ((use.clock?.() ?? performance.now()) - began) / 1000;
    emit({ kind: "step", metrics, tokensPerSecond: tokens / seconds });
    if (state.step === steps || (config.saveEvery > 0 && state.step % config.saveEvery === 0)) {
      await save();
      saved = state.step;
    }
  }

  // 4. the model
  await writeModel(config.out, learner);
  return {
    folder: config.out,
    steps,
    metrics,
    drops: prepared.drops,
    truncated: prepared.truncated,
  };
}

async function startingPoint(
  run: OpenRun,
): Promise<{ readonly folder: string; readonly state: RunState } | undefined> {
  const { config } = run;
  const last = await lastCheckpoint(config.out);
  if (!last) return undefined;
  if (!config.resume) {
    throw new PostgradError(
      "train/out-exists",
      `${config.out} has a run in it, up to step ${last.state.step}: go on with resume, or give another folder`,
    );
  }
  checkSameSettings(last.folder, last.state, config, run.orderDigest);
  return last;
}

const rowsOfStep = ({ order, perStep, prepared }: OpenRun, step: number): readonly PreparedRow[] =>
  Array.from(
    order.subarray(step * perStep, (step + 1) * perStep),
    (index) => prepared.rows[index]!,
  );

function rateOptions({ config, steps }: OpenRun) {
  const warmup = config.warmup < 1 ? Math.ceil(config.warmup * steps) : Math.round(config.warmup);
  return { peak: config.lr, shape: config.schedule, warmup, steps };
}

function depthAt(
  { config, steps, base }: OpenRun,
  makeSchedule: MakeSchedule | undefined,
  step: number,
) {
  if (!config.depth) return undefined;
  if (!makeSchedule) {
    throw new PostgradError(
      "train/depth",
      "a depth schedule needs skipSchedule of @postgrad/skipdecode as makeSchedule",
    );
  }
  const { schedule, ramp } = config.depth;
  const { layers } = base.decoder;
  if (schedule.layers !== layers) {
    throw new PostgradError(
      "train/depth",
      `the depth schedule is for ${schedule.layers} layers, the model has ${layers}`,
    );
  }
  const progress = steps === 1 ? 1 : step / (steps - 1);
  return prefixesUnder(makeSchedule(rampedSchedule(schedule, ramp, progress)), layers);
}

function diverged(
  out: string,
  step: number,
  { loss, norm }: { readonly loss: number; readonly norm: number },
): PostgradError {
  return new PostgradError(
    "train/diverged",
    `step ${step + 1} gave the loss ${loss} and the gradient norm ${norm}: the run stopped before it touched the weights, which are in ` +
      `${join(out, `checkpoint-${step}`)}; lower lr, lengthen the warm-up or clip gradients`,
    { fault: "system" },
  );
}

async function writeModel(out: string, learner: Learner): Promise<void> {
  try {
    await writeModelFolder(out, learner.model);
  } catch (cause) {
    throw new PostgradError(
      "train/write",
      `the model could not be written to ${out} (${(cause as Error).message}); the last checkpoint is whole: make room and go on with resume`,
      { fault: "system", cause },
    );
  }
}

/** The store of reference log-probabilities with all that the run needs; empty for losses without a reference. */
async function openReferences(
  run: OpenRun,
  file: string,
  {
    use,
    learner,
    isFresh,
    signal,
  }: {
    readonly use: TrainUse;
    readonly learner: Learner;
    readonly isFresh: boolean;
    readonly signal: AbortSignal;
  },
): Promise<ReadonlyStore> {
  const { config, chosen, base, order, prepared } = run;
  if (chosen.loss.rows !== "pairs" || !chosen.loss.usesReference) return new Map<string, number>();
  await using reference = await openCheckpoint(config.reference ?? config.model);
  const store = await ReferenceStore.open(file, await fingerprint(reference));
  const isPolicy = config.reference === undefined && isFresh && config.loraRank === 0;
  let own: Stepper | undefined;
  const scorer = async (): Promise<Stepper> => {
    if (isPolicy) return learner.stepper;
    own ??= learner.scorerFor(
      reference.decoder,
      await readWeights(reference),
      base.decoder.vocabSize,
    );
    return own;
  };
  try {
    const needed = [...new Set(order)].map((index) => prepared.rows[index]!);
    const onProgress = (done: number, all: number): void =>
      use.onEvent?.({ kind: "reference", done, all });
    await ensureReferences(needed, {
      store,
      scorer,
      tokens: config.batchTokens,
      seed: config.seed,
      signal,
      onProgress,
    });
  } finally {
    await own?.[Symbol.asyncDispose]();
  }
  return store;
}

/** What is read of stored log-probabilities. */
interface ReadonlyStore {
  get(key: string): number | undefined;
}
