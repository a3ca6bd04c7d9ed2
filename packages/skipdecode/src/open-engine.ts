import type { Decoder, WeightSource } from "@postgrad/model";
import { PostgradError } from "@postgrad/schema";

import { runtime as platformRuntime } from "#runtime";

import type { Generation } from "./batch.ts";
import { checkPrompt, checkRequest } from "./check-request.ts";
import { confident } from "./confidence.ts";
import { decode } from "./decode.ts";
import type { Engine, TextCodec } from "./engine.ts";
import type { ExactOptions, GenerateEvent, GenerateRequest } from "./generate.ts";
import { blockInfluence } from "./influence.ts";
import { Network } from "./network.ts";
import { Row } from "./row.ts";
import type { Runtime } from "./runtime.ts";
import { exitsForSpeedup } from "./schedule/exits.ts";
import { fullDepth, type LayerSchedule } from "./schedule/layer-schedule.ts";
import { skipSchedule } from "./schedule/skip-schedule.ts";
import { checkScore, scoreRows } from "./score-rows.ts";
import type { ScoredContinuation, ScoreOptions, ScoreRow } from "./score.ts";
import { speculate, type Speculation } from "./speculate.ts";
import { Turns } from "./turns.ts";

/** What an engine is opened from. */
export interface EngineOptions {
  /** The model as its family and configuration define it. */
  readonly decoder: Decoder;
  /** Its weights, in the format that they are to be computed in. */
  readonly weights: WeightSource;
  /** Name for people; default: the family. */
  readonly name?: string;
  /** Token ids that end a row; default: none. */
  readonly endTokens?: readonly number[];
  readonly tokenizer?: TextCodec;
  /** Default: ONNX Runtime of this platform, on the CPU. */
  readonly runtime?: Runtime;
  /** Threads within an operator; default: the runtime's own choice. */
  readonly threads?: number;
}

/**
 * Opens a decoder for generation and scoring. `await using` releases it.
 *
 * @throws PostgradError `skipdecode/runtime` where ONNX Runtime refuses a graph or its weights.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { decoder, weights, threads, runtime = platformRuntime } = options;
  const network = await Network.open({
    decoder,
    weights,
    runtime,
    ...(threads !== undefined && { threads }),
  });
  return new OpenEngine(network, options);
}

/** Weights of the head over those of a layer's linear layers. */
function headCostOf({ tensors, linears, layers, vocabSize }: Decoder): number {
  const shapes = linears.map(({ weight }) => tensors.get(weight) ?? []);
  const weightsOf = (isWanted: (shape: readonly number[]) => boolean): number =>
    shapes.filter(isWanted).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const isHead = ([out]: readonly number[]): boolean => out === vocabSize;
  return weightsOf(isHead) / (weightsOf((shape) => !isHead(shape)) / layers);
}

/** Speed-up of the drafting schedule of exact mode, where none is asked for. */
const draftSpeedup = 2;

class OpenEngine implements Engine {
  readonly name: string;
  readonly layers: number;
  readonly vocabulary: number;
  readonly headCost: number;
  readonly contextLength: number;
  readonly endTokens: readonly number[];
  readonly tokenizer?: TextCodec;
  readonly #network: Network;
  readonly #turns = new Turns();
  #isDisposed = false;

  constructor(network: Network, { decoder, name, endTokens = [], tokenizer }: EngineOptions) {
    this.#network = network;
    this.name = name ?? decoder.family;
    this.layers = decoder.layers;
    this.vocabulary = decoder.vocabSize;
    this.headCost = headCostOf(decoder);
    this.contextLength = decoder.maxPositions;
    this.endTokens = endTokens;
    if (tokenizer) this.tokenizer = tokenizer;
  }

  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent, void, undefined> {
    this.#checkOpen();
    checkRequest(request, this);
    const release = await this.#turns.next();
    try {
      this.#checkOpen();
      const run = this.#generation(request);
      const { exact = false, confidence } = request;
      if (confidence) yield* confident({ ...run, confidence });
      else if (exact) yield* speculate(this.#speculation(run, exact));
      else yield* decode(run);
    } finally {
      release();
    }
  }

  async score(
    rows: readonly ScoreRow[],
    options: ScoreOptions = {},
  ): Promise<ScoredContinuation[][]> {
    this.#checkOpen();
    checkScore(rows, this);
    const release = await this.#turns.next();
    try {
      this.#checkOpen();
      return rows.length === 0 ? [] : await scoreRows(this.#network, rows, options);
    } finally {
      release();
    }
  }

  async influence(prompts: readonly (readonly number[])[]): Promise<number[]> {
    this.#checkOpen();
    for (const [index, prompt] of prompts.entries()) checkPrompt(prompt, `prompt ${index}`, this);
    const release = await this.#turns.next();
    try {
      this.#checkOpen();
      return await blockInfluence(this.#network, prompts);
    } finally {
      release();
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const release = await this.#turns.next();
    await this.#network.dispose();
    release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #generation(request: GenerateRequest): Generation {
    return {
      network: this.#network,
      rows: request.rows.map((row, place) => new Row(row, place, this)),
      schedule: this.#scheduleOf(request),
      conversation: request.conversation,
      isAborted: () => this.#isDisposed || (request.signal?.aborted ?? false),
    };
  }

  #speculation(run: Generation, exact: boolean | ExactOptions): Speculation {
    const { draft = 4 } = exact === true || exact === false ? {} : exact;
    return { ...run, drafter: run.schedule, schedule: fullDepth(this.layers), draft };
  }

  #scheduleOf({ schedule, rows, exact = false, speedup }: GenerateRequest): LayerSchedule {
    if (schedule) return schedule;
    const wanted = speedup ?? (exact === false ? 1 : draftSpeedup);
    if (wanted === 1) return fullDepth(this.layers);
    const generated = Math.max(...rows.map(({ maxNewTokens }) => maxNewTokens));
    const { layers } = this;
    return skipSchedule({ layers, ...exitsForSpeedup({ layers, speedup: wanted }), generated });
  }

  #checkOpen(): void {
    if (!this.#isDisposed) return;
    throw new PostgradError(
      "skipdecode/disposed",
      `the engine of "${this.name}" has been disposed; open it again`,
    );
  }
}
