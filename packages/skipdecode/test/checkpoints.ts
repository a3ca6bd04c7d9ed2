import { existsSync, readFileSync } from "node:fs";

import { decoderOf, storedWeights } from "@postgrad/model";

import { type Engine, type EngineOptions, openEngine } from "../src/index.ts";
import type { Checkpoint } from "./tiny-llama.ts";

export { type Checkpoint, randomCheckpoint, tinyLlama } from "./tiny-llama.ts";

const fixtures = `${import.meta.dirname}/../../../../shared/fixtures/checkpoints`;

/** Reference checkpoints beside the checkout, and what is said where a clone has none. */
export const hasFixtures = existsSync(fixtures);
export const missing = hasFixtures
  ? ""
  : " (skipped: the reference checkpoints are not beside this checkout)";

/** Folder of a reference checkpoint. */
export const fixtureFolder = (name: string): string => `${fixtures}/${name}`;

/** A reference checkpoint, whole in memory: the fixtures are small. */
export function fixture(name: string): Checkpoint {
  const folder = fixtureFolder(name);
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
