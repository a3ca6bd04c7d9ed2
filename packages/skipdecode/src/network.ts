import {
  type Decoder,
  embedGraph,
  type Graph,
  headGraph,
  type LayerRange,
  layersGraph,
  toOnnx,
  type WeightSource,
} from "@postgrad/model";

import { allocateTensor } from "./allocate.ts";
import type { KeyValueCache } from "./cache.ts";
import { type Flow, maskOf, type Pass } from "./flow.ts";
import { propagateGraph } from "./propagate-graph.ts";
import type { Runtime, Session, Tensor } from "./runtime.ts";
import { range } from "./schedule/layer-schedule.ts";
import { runsBetween } from "./segments.ts";

/** What a network is opened from. */
export interface NetworkOptions {
  readonly decoder: Decoder;
  readonly weights: WeightSource;
  readonly runtime: Runtime;
  readonly threads?: number;
}

interface Segment extends LayerRange {
  readonly session: Session;
}

/**
 * The sessions of one checkpoint: embedding, runs of layers, head. Layers that are always on together are one run; `split`
 * cuts runs where a schedule needs it. Positions, masks and caches are the caller's.
 */
export class Network {
  readonly decoder: Decoder;
  readonly #options: NetworkOptions;
  readonly #embed: Session;
  readonly #head: Session;
  #segments: readonly Segment[];
  /** Opened where an exit by confidence asks for them. */
  readonly #propagation = new Map<number, Session>();

  private constructor(options: NetworkOptions, sessions: readonly [Session, Session, Segment]) {
    this.decoder = options.decoder;
    this.#options = options;
    [this.#embed, this.#head] = sessions;
    this.#segments = [sessions[2]];
  }

  /** Opens the network as one run of all its layers. */
  static async open(options: NetworkOptions): Promise<Network> {
    const { decoder, weights } = options;
    const opened: Session[] = [];
    try {
      const all = { from: 0, to: decoder.layers };
      for (const graph of [
        embedGraph(decoder, weights),
        headGraph(decoder, weights),
        layersGraph(decoder, weights, all),
      ]) {
        opened.push(await open(options, graph));
      }
      const [embed, head, session] = opened as [Session, Session, Session];
      return new Network(options, [embed, head, { ...all, session }]);
    } catch (error) {
      await Promise.all(opened.map((session) => session.dispose()));
      throw error;
    }
  }

  /** Cuts runs of layers at `boundaries`, so that sets made of whole runs between them can be run. */
  async split(boundaries: ReadonlySet<number>): Promise<void> {
    const { decoder, weights } = this.#options;
    for (const segment of this.#segments) {
      const runs = runsBetween(segment, boundaries);
      if (runs.length === 1) continue;
      await segment.session.dispose(); // first, so that no weight is held twice
      const parts: Segment[] = [];
      for (const run of runs) {
        parts.push({
          ...run,
          session: await open(this.#options, layersGraph(decoder, weights, run)),
        });
      }
      this.#segments = this.#segments.flatMap((old) => (old === segment ? parts : [old]));
    }
  }

  /** A pass at the bottom of the network, about to meet `cache`. */
  async embed({ ids, positions }: Pass, cache: KeyValueCache): Promise<Flow> {
    this.#embed.bind("input_ids", int64(ids));
    this.#embed.bind("position_ids", int64(positions));
    const names = this.decoder.rotaryDim > 0 ? ["cos", "sin"] : [];
    const [hidden, ...rotations] = await this.#embed.run(["hidden", ...names]);
    return {
      past: range(0, cache.rows).map((row) => cache.positionsOf(row)),
      positions,
      hidden: hidden!,
      rotations: new Map(names.map((name, i) => [name, rotations[i]!])),
      masks: new Map(),
    };
  }

  /**
   * A pass through `layers`, ascending, which must be whole runs. Writes the new keys and values of each layer that `keeps`
   * names behind the columns in use; `cache.advance` then makes them count.
   */
  async through(
    flow: Flow,
    layers: readonly number[],
    cache: KeyValueCache,
    keeps: (layer: number) => boolean = () => true,
  ): Promise<Flow> {
    const active = new Set(layers);
    let { hidden } = flow;
    for (const segment of this.#segments) {
      if (active.has(segment.from))
        hidden = await this.#run(segment, { ...flow, hidden }, cache, keeps);
    }
    return { ...flow, hidden };
  }

  /** Logits, [selected, vocabulary], of places in the flow: token * rows + row. */
  async head({ hidden }: Flow, selected: readonly number[]): Promise<Float32Array[]> {
    const places = BigInt64Array.from(selected, (place) => BigInt(place));
    this.#head.bind("hidden", hidden);
    this.#head.bind("selected", { type: "int64", dims: [places.length], data: places });
    const [logits] = await this.#head.run(["logits"]);
    const data = logits!.data as Float32Array;
    const width = this.decoder.vocabSize;
    return selected.map((_, i) => data.subarray(i * width, (i + 1) * width));
  }

  /** Writes keys and values that `layer` makes of a flow's hidden states, without running the layer. */
  async propagate(flow: Flow, layer: number, cache: KeyValueCache): Promise<void> {
    const { decoder, weights } = this.#options;
    let session = this.#propagation.get(layer);
    if (!session) {
      session = await open(this.#options, propagateGraph(decoder, weights, layer));
      this.#propagation.set(layer, session);
    }
    session.bind("hidden", flow.hidden);
    for (const [name, tensor] of flow.rotations) session.bind(name, tensor);
    const [key, value] = await session.run([`key.${layer}`, `value.${layer}`]);
    cache.write(layer, floats(key!), floats(value!));
  }

  async dispose(): Promise<void> {
    const runs = this.#segments.map(({ session }) => session);
    const sessions = [this.#embed, this.#head, ...runs, ...this.#propagation.values()];
    this.#segments = [];
    this.#propagation.clear();
    for (const session of sessions) await session.dispose();
  }

  async #run(
    { session, from, to }: Segment,
    flow: Flow,
    cache: KeyValueCache,
    keeps: (layer: number) => boolean,
  ): Promise<Tensor> {
    const run = range(from, to);
    session.bind("hidden", flow.hidden);
    for (const [name, tensor] of flow.rotations) session.bind(name, tensor);
    for (const layer of run) {
      session.bind(...maskOf(flow, this.decoder.window(layer)));
      const { key, value } = cache.past(layer);
      session.bind(`past_key.${layer}`, key);
      session.bind(`past_value.${layer}`, value);
    }
    const kept = run.filter(keeps);
    const names = kept.flatMap((layer) => [`key.${layer}`, `value.${layer}`]);
    const [hidden, ...made] = await session.run(["hidden_out", ...names]);
    for (const [i, layer] of kept.entries()) {
      cache.write(layer, floats(made[2 * i]!), floats(made[2 * i + 1]!));
    }
    return hidden!;
  }
}

async function open({ runtime, threads }: NetworkOptions, graph: Graph): Promise<Session> {
  const { bytes, folder } = toOnnx(graph);
  return runtime.open(
    { bytes, ...(folder !== undefined && { weights: folder }) },
    threads === undefined ? {} : { threads },
  );
}

const floats = ({ data }: Tensor): Float32Array => data as Float32Array;

/** [rows, tokens]; padding becomes position 0, which its mask keeps from being seen. */
function int64(rows: readonly Int32Array[]): Tensor<"int64"> {
  const tokens = rows[0]!.length;
  const tensor = allocateTensor("int64", [rows.length, tokens]);
  for (const [row, own] of rows.entries()) {
    for (let i = 0; i < tokens; i++) tensor.data[row * tokens + i] = BigInt(Math.max(0, own[i]!));
  }
  return tensor;
}
