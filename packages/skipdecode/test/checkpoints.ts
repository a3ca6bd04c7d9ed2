import { existsSync, readFileSync } from "node:fs";

import { type Decoder, decoderOf, storedWeights, type WeightSource } from "@postgrad/model";
import { random } from "@postgrad/schema";

import { type Engine, type EngineOptions, openEngine } from "../src/index.ts";

const fixtures = `${import.meta.dirname}/../../../../shared/fixtures/checkpoints`;

/** Reference checkpoints beside the checkout, and what is said where a clone has none. */
export const hasFixtures = existsSync(fixtures);
export const missing = hasFixtures
  ? ""
  : " (skipped: the reference checkpoints are not beside this checkout)";

/** A checkpoint that an engine can be opened from. */
export interface Checkpoint {
  readonly decoder: Decoder;
  readonly weights: WeightSource;
}

/** A Llama of random weights: 6 layers, width 32, 2 heads of keys and values for 4 of queries. */
export function tinyLlama(
  change: Readonly<Record<string, unknown>> = {},
  seed = 1,
  zero?: RegExp,
): Checkpoint {
  return randomCheckpoint(
    {
      model_type: "llama",
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 6,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 64,
      max_position_embeddings: 128,
      ...change,
    },
    seed,
    zero,
  );
}

/** Random weights for a configuration: matrices that neither die out nor explode over the layers, norms near 1; those that `zero` names are 0. */
export function randomCheckpoint(
  config: Readonly<Record<string, unknown>>,
  seed: number,
  zero?: RegExp,
): Checkpoint {
  const decoder = decoderOf(config);
  const tensors = new Map(
    [...decoder.tensors].map(([name, shape]) => {
      const next = random(`${seed}/${name}`);
      const size = shape.reduce((product, length) => product * length, 1);
      const isNorm = shape.length === 1 && name.endsWith("weight");
      const scale = shape.length === 1 ? 0.1 : 2 / Math.sqrt(shape[1]!);
      const spread = zero?.test(name) ? 0 : scale;
      const data = Float32Array.from(
        { length: size },
        () => Number(isNorm) + (2 * next() - 1) * spread,
      );
      return [name, new Uint8Array(data.buffer)];
    }),
  );
  const weights = storedWeights(decoder, (name) => ({ type: "float32", data: tensors.get(name)! }));
  return { decoder, weights };
}

/** A reference checkpoint, whole in memory: the fixtures are small. */
export function fixture(name: string): Checkpoint {
  const folder = `${fixtures}/${name}`;
  const decoder = decoderOf(JSON.parse(readFileSync(`${folder}/config.json`, "utf8")));
  const bytes = readFileSync(`${folder}/model.safetensors`);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const data = (tensor: string): Uint8Array => {
    const [from, to] = header[tensor]!.data_offsets;
    return Uint8Array.from(bytes.subarray(start + from, start + to));
  };
  return {
    decoder,
    weights: storedWeights(decoder, (tensor) => ({ type: "float32", data: data(tensor) })),
  };
}

/** What `expected.json` of a fixture holds, as far as the tests read it. */
export interface Expected {
  readonly layers: number;
  readonly cases: readonly {
    readonly ids: readonly number[];
    readonly last_logits: readonly number[];
    readonly token_logprobs: readonly number[];
    readonly greedy: { readonly tokens: readonly number[]; readonly logprobs: readonly number[] };
    readonly active_sets: readonly {
      readonly active: readonly number[];
      readonly last_logits: readonly number[];
    }[];
    readonly skipdecode: readonly {
      readonly warmup: number;
      readonly max_exit: number;
      readonly min_exit: number;
      readonly schedule_length: number;
      readonly prompt_length: number;
      readonly prompt_mode: "max_exit" | "full";
      readonly tokens: readonly number[];
      readonly active_counts: readonly number[];
    }[];
  }[];
}

/** The reference numbers of a fixture. */
export const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(`${fixtures}/${name}/expected.json`, "utf8")) as Expected;

/** An engine on one thread. */
export const engineOn = (
  checkpoint: Checkpoint,
  options: Partial<EngineOptions> = {},
): Promise<Engine> => openEngine({ ...checkpoint, threads: 1, ...options });

/** The greatest absolute difference of elements. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(b, (value, index) => Math.abs(a[index]! - value)));
