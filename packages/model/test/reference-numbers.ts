import { existsSync, readFileSync } from "node:fs";

/** Where the reference numbers lie: beside the checkout. A clone without them skips the tests that read them, by name. */
export const fixtures = `${import.meta.dirname}/../../../../shared/fixtures`;

/** False where the reference numbers are not beside the checkout. */
export const hasFixtures = existsSync(`${fixtures}/checkpoints`);

/** What `expected.json` holds, as far as the tests read it. */
export interface Expected {
  readonly layers: number;
  readonly cases: readonly {
    readonly ids: readonly number[];
    readonly last_logits: readonly number[];
    readonly token_logprobs: readonly number[];
    readonly hidden_last_position: {
      readonly layers: readonly { readonly l2: number; readonly first8: readonly number[] }[];
      readonly lm_head_input: { readonly l2: number; readonly first8: readonly number[] };
    };
    readonly greedy: { readonly tokens: readonly number[] };
    readonly active_sets: readonly {
      readonly active: readonly number[];
      readonly last_logits: readonly number[];
    }[];
  }[];
  readonly left_padded_batch: {
    readonly input_ids: readonly (readonly number[])[];
    readonly attention_mask: readonly (readonly number[])[];
    readonly last_logits: readonly (readonly number[])[];
  };
}

/** The reference numbers of one checkpoint. */
export const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(`${fixtures}/checkpoints/${name}/expected.json`, "utf8")) as Expected;
