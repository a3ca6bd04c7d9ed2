import { PostgradError, random } from "@postgrad/schema";

import type { PreparedRow } from "../data/prepare.ts";
import { oneTextARow } from "../step/layout.ts";
import type { Stepper } from "../step/stepper.ts";
import { batchesOf } from "./batches.ts";
import type { ReferenceStore } from "./reference-store.ts";

/** What reference log-probabilities are made with. */
export interface ReferenceOptions {
  readonly store: ReferenceStore;
  /** Scores with the reference's weights; opened only where something is to be scored. */
  readonly scorer: () => Promise<Stepper>;
  readonly tokens: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, all: number) => void;
}

/** How many stored values are computed again before they are believed. */
const sample = 4;

/**
 * Sees to it that the store has a log-probability for every text of `rows`: those that rows bring are taken over, the others
 * computed once. A sample of what was not computed in this run is checked against the reference itself.
 *
 * Throws `train/stale-reference` where a stored value is not what the reference says.
 */
export async function ensureReferences(
  rows: readonly PreparedRow[],
  options: ReferenceOptions,
): Promise<void> {
  const { store } = options;
  const brought = rows.flatMap(({ keys, referenceLogps }) =>
    referenceLogps && keys.some((key) => store.get(key) === undefined)
      ? keys.map((key, side) => [key, referenceLogps[side]!] as const)
      : [],
  );
  const known = rows.filter(
    ({ keys, referenceLogps }) =>
      referenceLogps ?? keys.every((key) => store.get(key) !== undefined),
  );
  const values = new Map(brought);
  await checkSample(known, (key) => store.get(key) ?? values.get(key)!, options);
  await store.add(brought);
  const missing = unique(
    rows.filter(({ keys }) => keys.some((key) => store.get(key) === undefined)),
  );
  let done = 0;
  for (const batch of batchesOf(missing, options.tokens)) {
    options.signal.throwIfAborted();
    await store.add(await scored(batch, await options.scorer()));
    done += batch.length;
    options.onProgress(done, missing.length);
  }
}

async function checkSample(
  rows: readonly PreparedRow[],
  valueOf: (key: string) => number,
  { scorer, seed }: ReferenceOptions,
): Promise<void> {
  const draw = random(`${seed}/reference-sample`);
  const chosen = unique(
    Array.from(
      { length: Math.min(sample, rows.length) },
      () => rows[Math.floor(draw() * rows.length)]!,
    ),
  );
  for (const row of chosen) {
    for (const [key, logp] of await scored([row], await scorer())) {
      const stored = valueOf(key);
      // Sums of float32 in another batch differ in the last digits.
      if (Math.abs(stored - logp) <= 1e-3 * Math.max(1, Math.abs(logp))) continue;
      throw new PostgradError(
        "train/stale-reference",
        `the stored reference log-probability ${stored} is not what the reference gives (${logp}): it is another reference's; ` +
          "remove reference-logps.jsonl from the run's folder, or ref_chosen_logps and ref_rejected_logps from the rows",
      );
    }
  }
}

async function scored(
  rows: readonly PreparedRow[],
  scorer: Stepper,
): Promise<readonly (readonly [string, number])[]> {
  const layout = oneTextARow(rows.flatMap(({ texts }) => texts));
  const logps = await scorer.score(layout, { packed: false });
  return rows.flatMap(({ keys }) => keys).map((key, index) => [key, logps[index]!] as const);
}

/** Each row once, by its texts. */
const unique = (rows: readonly PreparedRow[]): PreparedRow[] => [
  ...new Map(rows.map((row) => [row.keys.join(), row])).values(),
];
