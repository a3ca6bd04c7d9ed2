import { hash } from "node:crypto";

import { type Random, random } from "@postgrad/schema";

import { tierShares, type TierSchedule } from "./tier-schedule.ts";

/** What decides the order of rows over a run. */
export interface OrderOptions {
  /** Rows drawn in the whole run. */
  readonly draws: number;
  /** Rows of one optimiser step. */
  readonly perStep: number;
  readonly seed: number;
  /** False: the rows' own order, again from the start when they run out. */
  readonly shuffle: boolean;
  readonly curriculum?: TierSchedule | undefined;
}

/** What is known of a row here. */
export interface Orderable {
  readonly tier: string | undefined;
  readonly prompt: string;
}

/**
 * The indices of the rows in the order in which a run draws them. A pure function of rows and options: a resumed run computes
 * the same order and goes on within it.
 */
export function rowOrder(rows: readonly Orderable[], options: OrderOptions): Int32Array {
  return options.curriculum
    ? byTiers(rows, options, options.curriculum)
    : byEpochs(rows.length, options);
}

/** A digest of rows and their order, kept in checkpoints: a run that would go on with others is refused. */
export const orderDigest = (order: Int32Array, content: string): string =>
  hash("sha256", `${content} ${order.join()}`).slice(0, 32);

function byEpochs(count: number, { draws, seed, shuffle }: OrderOptions): Int32Array {
  const order = new Int32Array(draws);
  for (let epoch = 0; epoch * count < draws; epoch++) {
    const indices = epochIndices(count, seed, epoch, shuffle);
    const start = epoch * count;
    order.set(indices.subarray(0, Math.min(count, draws - start)), start);
  }
  return order;
}

/**
 * One row of each prompt an epoch; only its tier follows the schedule. Shares are met by error diffusion: each draw adds the
 * shares to what is owed, and the tier that is owed most is drawn.
 */
function byTiers(
  rows: readonly Orderable[],
  { draws, perStep, seed, shuffle }: OrderOptions,
  schedule: TierSchedule,
): Int32Array {
  const order = new Int32Array(draws);
  const owed = new Map<string, number>();
  const last = Math.max(1, Math.ceil(draws / perStep) - 1);
  let drawn = 0;
  for (let epoch = 0; drawn < draws; epoch++) {
    const pool = new TierPool(rows, epochIndices(rows.length, seed, epoch, shuffle));
    while (drawn < draws && pool.size > 0) {
      const shares = tierShares(schedule, Math.floor(drawn / perStep) / last);
      for (const [tier, share] of shares) owed.set(tier, (owed.get(tier) ?? 0) + share);
      const ranked = [...shares.keys()].toSorted((a, b) => owed.get(b)! - owed.get(a)!);
      const row = pool.take(ranked);
      const tier = rows[row]!.tier!;
      owed.set(tier, (owed.get(tier) ?? 0) - 1);
      order[drawn++] = row;
    }
  }
  return order;
}

/** The rows of one epoch by tier. Taking a row takes its prompt out of the epoch. */
class TierPool {
  readonly #queues = new Map<string, number[]>();
  readonly #rows: readonly Orderable[];
  readonly #left: Set<string>;

  constructor(rows: readonly Orderable[], indices: Int32Array) {
    this.#rows = rows;
    this.#left = new Set(rows.map(({ prompt }) => prompt));
    for (const index of indices.toReversed()) {
      const tier = rows[index]!.tier!;
      this.#queues.set(tier, [...(this.#queues.get(tier) ?? []), index]);
    }
  }

  get size(): number {
    return this.#left.size;
  }

  /** The next row of the first of `tiers` that has one; of any other tier where none of them has. */
  take(tiers: readonly string[]): number {
    for (const tier of [...tiers, ...this.#queues.keys()]) {
      const queue = this.#queues.get(tier) ?? [];
      for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
        if (this.#left.delete(this.#rows[row]!.prompt)) return row;
      }
    }
    throw new RangeError("no row is left in this epoch");
  }
}

function epochIndices(count: number, seed: number, epoch: number, shuffle: boolean): Int32Array {
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  if (shuffle) shuffleInPlace(indices, random(`${seed}/epoch/${epoch}`));
  return indices;
}

/** Fisher and Yates. */
function shuffleInPlace(indices: Int32Array, draw: Random): void {
  for (let i = indices.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [indices[i], indices[j]] = [indices[j]!, indices[i]!];
  }
}
