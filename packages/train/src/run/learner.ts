import type { Checkpoint, Decoder } from "@postgrad/model";
import { openCheckpoint } from "@postgrad/model";
import { PostgradError } from "@postgrad/schema";

import type { ModelState } from "../checkpoint/model-folder.ts";
import { readFactors, readMoments } from "../checkpoint/resume-state.ts";
import type { PreparedRow } from "../data/prepare.ts";
import { type Adapter, adapterFor, freshFactors } from "../lora/adapter.ts";
import { adamW, blankMoments, type Moments } from "../optimizer/adamw.ts";
import { GradientSum } from "../step/gradient-sum.ts";
import { Stepper, type WeightData } from "../step/stepper.ts";
import type { ScoredRow } from "./metrics.ts";
import type { OpenRun } from "./open-run.ts";
import { type GradientOptions, stepGradient } from "./optimiser-step.ts";

/** What is learning: weights, their moments, and the graphs that give their gradients. */
export class Learner implements AsyncDisposable {
  readonly stepper: Stepper;
  readonly moments: Map<string, Moments>;
  readonly #run: OpenRun;
  readonly #weights: Map<string, Float32Array>;
  readonly #adapter: Adapter | undefined;
  readonly #sum = new GradientSum();

  private constructor(
    run: OpenRun,
    weights: Map<string, Float32Array>,
    moments: Map<string, Moments>,
  ) {
    const { base, chosen, threads } = run;
    this.#run = run;
    this.#weights = weights;
    this.moments = moments;
    this.#adapter = adapterOf(run);
    this.stepper = new Stepper(base.decoder, weights, {
      threads,
      loss: chosen,
      lowRank: this.#adapter,
    });
  }

  /** The start of a run, or with `checkpoint` the place where one goes on. */
  static async open(run: OpenRun, checkpoint?: string): Promise<Learner> {
    const adapter = adapterOf(run);
    if (!adapter) {
      if (checkpoint === undefined) return new Learner(run, await readWeights(run.base), new Map());
      await using at = await openCheckpoint(checkpoint);
      return new Learner(run, await readWeights(at), await readMoments(checkpoint));
    }
    const factors =
      checkpoint === undefined
        ? freshFactors(run.base.decoder, adapter, run.config.seed)
        : await readFactors(checkpoint);
    const weights = new Map([...(await readWeights(run.base)), ...factors]);
    return new Learner(
      run,
      weights,
      checkpoint === undefined ? new Map() : await readMoments(checkpoint),
    );
  }

  /** What a model folder is written from. */
  get model(): ModelState {
    return { base: this.#run.base, weights: this.#weights, adapter: this.#adapter };
  }

  /** Loss and gradient norm over the rows of an optimiser step; the gradient is kept for `update`. */
  async gradient(
    rows: readonly PreparedRow[],
    options: Pick<GradientOptions, "referenceOf" | "prefixOf">,
  ): Promise<{
    readonly loss: number;
    readonly norm: number;
    readonly scored: readonly ScoredRow[];
  }> {
    const { config, chosen, maxLength } = this.#run;
    this.#sum.clear();
    const found = await stepGradient(rows, this.#sum, {
      ...options,
      stepper: this.stepper,
      chosen,
      tokens: config.batchTokens,
      packing: config.packing,
      capacity: maxLength,
    });
    return { ...found, norm: this.#sum.norm() };
  }

  /** One step of AdamW with the kept gradient, clipped to `maxGradNorm` by its norm. */
  update(learningRate: number, step: number, norm: number): void {
    const { maxGradNorm, weightDecay, beta1, beta2, epsilon } = this.#run.config;
    // As torch.nn.utils.clip_grad_norm_ does it.
    const scale = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
    const settings = { learningRate, step, scale, weightDecay, beta1, beta2, epsilon };
    for (const [name, gradient] of this.#sum.entries) {
      const own = this.moments.get(name) ?? blankMoments(gradient.length);
      this.moments.set(name, own);
      adamW(this.#weights.get(name)!, gradient, own, settings);
    }
    this.#sum.clear();
  }

  /** A scorer of another checkpoint's weights; throws `train/reference` where its vocabulary is another one. */
  scorerFor(decoder: Decoder, weights: WeightData, vocabSize: number): Stepper {
    if (decoder.vocabSize === vocabSize)
      return new Stepper(decoder, weights, { threads: this.#run.threads });
    throw new PostgradError(
      "train/reference",
      `the reference has ${decoder.vocabSize} tokens, the model ${vocabSize}: they must share one tokenizer`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stepper[Symbol.asyncDispose]();
  }
}

/** All weights of a checkpoint as float32. */
export async function readWeights(checkpoint: Checkpoint): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const name of checkpoint.decoder.tensors.keys())
    weights.set(name, await checkpoint.read(name));
  return weights;
}

const adapterOf = ({ base, config }: OpenRun): Adapter | undefined =>
  config.loraRank > 0
    ? adapterFor(base.decoder, {
        rank: config.loraRank,
        alpha: config.loraAlpha,
        targets: config.loraTargets,
      })
    : undefined;
