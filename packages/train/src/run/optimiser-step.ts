import type { PreparedRow } from "../data/prepare.ts";
import type { ChosenLoss } from "../losses/choose.ts";
import type { PrefixOf } from "../step/feeds.ts";
import type { GradientSum } from "../step/gradient-sum.ts";
import { oneTextARow, packed } from "../step/layout.ts";
import type { Stepper } from "../step/stepper.ts";
import { batchesOf } from "./batches.ts";
import type { ScoredRow } from "./metrics.ts";

/** What the gradient of one optimiser step is computed with. */
export interface GradientOptions {
  readonly stepper: Stepper;
  readonly chosen: ChosenLoss;
  /** Tokens that are computed at once. */
  readonly tokens: number;
  readonly packing: boolean;
  readonly capacity: number;
  readonly prefixOf?: PrefixOf | undefined;
  readonly referenceOf: (key: string) => number;
}

/**
 * The loss over all `rows` of an optimiser step, its gradient added to `sum`, batch by batch. Every mean is taken over the whole
 * step, so the result does not depend on how it is cut into batches.
 */
export async function stepGradient(
  rows: readonly PreparedRow[],
  sum: GradientSum,
  options: GradientOptions,
): Promise<{ readonly loss: number; readonly scored: readonly ScoredRow[] }> {
  const lengths = rows.map(({ texts }) => texts[0]!.scored.length);
  const meanLength = lengths.reduce((total, length) => total + length, 0) / rows.length;
  const needsReference = options.chosen.loss.rows === "pairs" && options.chosen.loss.usesReference;
  const scored: ScoredRow[] = [];
  let loss = 0;
  for (const batch of batchesOf(rows, options.tokens)) {
    const sides = batch[0]!.texts.map((_, side) => batch.map(({ texts }) => texts[side]!));
    const texts = sides.flat();
    const layout = options.packing ? packed(texts, options.capacity) : oneTextARow(texts);
    const references = needsReference
      ? sides.flatMap((_, side) => batch.map(({ keys }) => options.referenceOf(keys[side]!)))
      : [];
    const facts = {
      packed: options.packing,
      prefixOf: options.prefixOf,
      rowWeight: 1 / rows.length,
      meanLength,
      ...(needsReference && { referenceLogps: references }),
    };
    const found = await options.stepper.step(layout, facts, sum);
    loss += found.loss;
    for (const [index, row] of batch.entries()) {
      const own = (values: ArrayLike<number>): number[] =>
        sides.map((_, side) => values[side * batch.length + index] ?? 0);
      scored.push({ row, logps: own(found.logps), references: own(references) });
    }
  }
  return { loss, scored };
}
