import { availableParallelism } from "node:os";

import { readRows } from "@postgrad/dataset";
import { type Checkpoint, openCheckpoint, type Tokenizer } from "@postgrad/model";
import { parseConfig, PostgradError, type RawRow } from "@postgrad/schema";

import { orderDigest, rowOrder } from "../data/order.ts";
import { type Prepared, prepareRows } from "../data/prepare.ts";
import { checkTiers } from "../data/tier-schedule.ts";
import { chooseLoss, type ChosenLoss } from "../losses/choose.ts";
import { lossOptionNames, TrainConfig } from "./config.ts";

/** A run before its first step: everything checked, rows prepared and ordered, nothing written. */
export interface OpenRun extends AsyncDisposable {
  readonly config: TrainConfig;
  readonly chosen: ChosenLoss;
  readonly base: Checkpoint;
  readonly tokenizer: Tokenizer | undefined;
  readonly prepared: Prepared;
  readonly maxLength: number;
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  /** Rows of one optimiser step. */
  readonly perStep: number;
  /** Indices of `prepared.rows` in the order of the run; the last step may have fewer than `perStep`. */
  readonly order: Int32Array;
  readonly orderDigest: string;
  readonly threads: number;
}

/** Options as they are written: those with a default may be left out. */
export type TrainOptions = Partial<TrainConfig> & Pick<TrainConfig, "model" | "out">;

/**
 * Checks the options, opens the checkpoint, prepares the rows (`rows`, or those of `data`) and lays down their order.
 *
 * Throws `PostgradError`: `schema/invalid`, `train/unknown-loss`, `train/wrong-option`, `train/no-data`, `train/no-rows`,
 * `train/tokenizer-mismatch`, `train/token-range`, `train/curriculum`, `train/packing`, `train/depth`, those of
 * `openCheckpoint` and those of `readRows`.
 */
export async function openRun(
  options: TrainOptions,
  rows?: AsyncIterable<RawRow> | Iterable<RawRow>,
): Promise<OpenRun> {
  const config = parseConfig(TrainConfig, options);
  const chosen = chooseLoss(config.loss, pick(config, lossOptionNames));
  const base = await openCheckpoint(config.model);
  try {
    const maxLength = config.maxLength ?? Math.min(2048, base.decoder.maxPositions);
    const tokenizer = await base.tokenizer();
    checkModel(config, base, tokenizer, maxLength);
    checkCombinations(config, chosen);
    const prepared = await prepareRows(rows ?? rowsOf(config), {
      rows: chosen.loss.rows,
      decoder: base.decoder,
      tokenizer,
      maxLength,
      truncate: config.truncate,
    });
    if (prepared.rows.length === 0) throw noRows(prepared);
    const plan = planned(config, prepared);
    const threads = config.threads ?? availableParallelism();
    const dispose = (): Promise<void> => base[Symbol.asyncDispose]();
    return {
      config,
      chosen,
      base,
      tokenizer,
      prepared,
      maxLength,
      threads,
      ...plan,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await base[Symbol.asyncDispose]();
    throw error;
  }
}

function planned(config: TrainConfig, { rows }: Prepared) {
  const perStep = config.batchSize * config.accumulate;
  const drawn = Math.max(1, Math.round(rows.length * config.epochs));
  const steps = config.steps ?? Math.ceil(drawn / perStep);
  const draws = config.steps === undefined ? drawn : steps * perStep;
  if (config.curriculum)
    checkTiers(
      config.curriculum,
      rows.map(({ tier }) => tier),
    );
  const { seed, shuffle, curriculum } = config;
  const order = rowOrder(rows, { draws, perStep, seed, shuffle, curriculum });
  const content = rows.map(({ keys }) => keys.join()).join();
  return { perStep, steps, order, orderDigest: orderDigest(order, content) };
}

function rowsOf({ data }: TrainConfig): AsyncIterable<RawRow> {
  if (data !== undefined) return readRows(data);
  throw new PostgradError("train/no-data", "data is missing: name a file or a folder of rows");
}

function noRows({ drops }: Prepared): PostgradError {
  const reasons = Object.entries(drops).map(([reason, count]) => `${count} ${reason}`);
  return new PostgradError(
    "train/no-rows",
    `no row is left to train on (${reasons.join(", ") || "the data is empty"})`,
  );
}

function checkModel(
  config: TrainConfig,
  base: Checkpoint,
  tokenizer: Tokenizer | undefined,
  maxLength: number,
): void {
  const { decoder } = base;
  const { vocabSize, maxPositions } = decoder;
  if (tokenizer && tokenizer.size > vocabSize) {
    throw new PostgradError(
      "train/tokenizer-mismatch",
      `the tokenizer has ${tokenizer.size} tokens, the embedding ${vocabSize} entries: they belong to different models`,
    );
  }
  if (maxLength > maxPositions) {
    throw new PostgradError(
      "train/max-length",
      `maxLength ${maxLength} is above the model's ${maxPositions} positions`,
    );
  }
  if (config.packing && decoder.rotaryRegime(1) !== decoder.rotaryRegime(maxLength)) {
    throw new PostgradError(
      "train/packing",
      `this model's rotary scaling depends on the length of a row, which packed rows blur past ${maxLength} tokens; lower maxLength or switch packing off`,
    );
  }
}

function checkCombinations(config: TrainConfig, { loss }: ChosenLoss): void {
  if (!config.depth) return;
  const clash = config.packing
    ? "packing"
    : loss.rows === "pairs"
      ? `the loss "${loss.name}"`
      : undefined;
  if (clash === undefined) return;
  throw new PostgradError(
    "train/depth",
    `a depth schedule goes with single responses, one a row, not with ${clash}`,
  );
}

const pick = (config: TrainConfig, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).filter(([name]) => names.includes(name)));
