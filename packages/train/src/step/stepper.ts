import type { Decoder } from "@postgrad/model";
import { type InferenceSession, Tensor } from "onnxruntime-node";

import type { LowRank } from "../graph/trained-weights.ts";
import {
  type TrainingGraph,
  trainingGraph,
  type TrainingGraphOptions,
} from "../graph/training-graph.ts";
import type { ChosenLoss } from "../losses/choose.ts";
import { layoutFeeds, type PrefixOf } from "./feeds.ts";
import type { GradientSum } from "./gradient-sum.ts";
import type { Layout } from "./layout.ts";
import { openSession } from "./session.ts";

/** Weights by tensor name, float32, row-major. Training writes into them. */
export type WeightData = ReadonlyMap<string, Float32Array>;

/** What a stepper is made for. */
export interface StepperOptions {
  /** Threads of the runtime. Results are the same bits for the same number of threads. */
  readonly threads: number;
  readonly loss?: ChosenLoss | undefined;
  readonly lowRank?: LowRank | undefined;
}

/** Facts of the whole optimiser step that one batch of it needs. */
export interface BatchFacts {
  readonly packed: boolean;
  readonly prefixOf?: PrefixOf | undefined;
  /** 1 / number of rows of the whole step. */
  readonly rowWeight: number;
  /** Mean tokens of the (chosen) responses of the whole step. */
  readonly meanLength: number;
  /** Reference log-probabilities of the responses, in the order of the layout. */
  readonly referenceLogps?: readonly number[] | undefined;
}

/** Runs training graphs over batches. A graph is built and opened when a batch first needs it. */
export class Stepper implements AsyncDisposable {
  readonly #decoder: Decoder;
  readonly #weights: WeightData;
  readonly #options: StepperOptions;
  readonly #open = new Map<string, Promise<OpenGraph>>();

  constructor(decoder: Decoder, weights: WeightData, options: StepperOptions) {
    this.#decoder = decoder;
    this.#weights = weights;
    this.#options = options;
  }

  /** Sums of log-probabilities of the responses, in the order of the layout. */
  async score(
    layout: Layout,
    facts: Pick<BatchFacts, "packed" | "prefixOf">,
  ): Promise<Float32Array> {
    const open = await this.#graph({
      packed: facts.packed,
      prefixed: facts.prefixOf !== undefined,
    });
    const { unselected, ...feeds } = layoutFeeds(layout, facts);
    unselected?.dispose();
    const found = await open.session.run({
      ...this.#weightFeeds(open),
      ...feeds,
    });
    return found["logps"]!.data as Float32Array;
  }

  /** Loss and log-probabilities of one batch; its gradients are added to `sum`. */
  async step(
    layout: Layout,
    facts: BatchFacts,
    sum: GradientSum,
  ): Promise<{ readonly loss: number; readonly logps: Float32Array }> {
    const { loss, lowRank } = this.#options;
    const open = await this.#graph({
      packed: facts.packed,
      prefixed: facts.prefixOf !== undefined,
      loss,
      lowRank,
    });
    const feeds = {
      ...this.#weightFeeds(open),
      ...layoutFeeds(layout, facts),
      ...lossFeeds(open, facts),
    };
    const found = await open.session.run(feeds);
    for (const name of open.gradients)
      sum.add(name, found[`gradient:${name}`]!.data as Float32Array);
    for (const [index, name] of open.lookups.entries()) {
      const ids = found[`ids:${index}`]!.data as BigInt64Array;
      sum.addRows(
        name,
        this.#weights.get(name)!.length,
        ids,
        found[`rows:${index}`]!.data as Float32Array,
      );
    }
    return {
      loss: (found["loss"]!.data as Float32Array)[0]!,
      logps: found["logps"]!.data as Float32Array,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const open of this.#open.values()) await (await open).session.release();
    this.#open.clear();
  }

  #graph(options: TrainingGraphOptions): Promise<OpenGraph> {
    const key = `${options.packed} ${options.prefixed} ${options.loss !== undefined}`;
    const known = this.#open.get(key) ?? this.#openGraph(options);
    this.#open.set(key, known);
    return known;
  }

  async #openGraph(options: TrainingGraphOptions): Promise<OpenGraph> {
    const made = trainingGraph(this.#decoder, options);
    return { ...made, session: await openSession(made.graph, this.#options.threads) };
  }

  #weightFeeds({ graph, weights }: OpenGraph): Record<string, Tensor> {
    const shapes = new Map(
      graph.inputs.map(({ name, shape }) => [name, shape as readonly number[]]),
    );
    return Object.fromEntries(
      weights.map((name) => [
        name,
        new Tensor("float32", this.#weights.get(name)!, shapes.get(name)),
      ]),
    );
  }
}

interface OpenGraph extends TrainingGraph {
  readonly session: InferenceSession;
}

/** The inputs that belong to the loss, those that the graph has. */
function lossFeeds({ graph }: OpenGraph, facts: BatchFacts): Record<string, Tensor> {
  const scalar = (value: number): Tensor => new Tensor("float32", [value], []);
  const references = Float32Array.from(facts.referenceLogps ?? []);
  const all: Record<string, Tensor> = {
    row_weight: scalar(facts.rowWeight),
    mean_length: scalar(facts.meanLength),
    reference_logps: new Tensor("float32", references, [references.length]),
  };
  const wanted = new Set(graph.inputs.map(({ name }) => name));
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)));
}
