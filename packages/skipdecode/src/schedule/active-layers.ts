import { PostgradError, type SkipScheduleConfig } from "@postgrad/schema";

import { range } from "./layer-schedule.ts";

/** What decides which layers a budget buys. */
export type LayerChoice = Pick<SkipScheduleConfig, "layers" | "warmup" | "mode" | "order">;

/**
 * The layers that a budget of `exit` layers runs, ascending. The warm-up layers come first; the rest is, by mode,
 * `skip`: the top of the stack, `terminate`: the next ones above, `middle`: both ends, the bottom one layer ahead.
 * With `order` the rest is the most important ones of that list. Sets of smaller budgets are subsets of larger ones.
 */
export function activeLayers(exit: number, choice: LayerChoice): readonly number[] {
  const { layers, warmup, mode = "skip", order } = choice;
  if (order) return byImportance(exit, warmup, order);
  const bottom = { skip: warmup, terminate: exit, middle: Math.max(warmup, Math.ceil(exit / 2)) }[
    mode
  ];
  return [...range(0, bottom), ...range(Math.max(bottom, layers - (exit - bottom)), layers)];
}

/** @throws PostgradError `skipdecode/order` where `order` does not name every layer once, or a mode stands beside it. */
export function checkOrder({ layers, mode, order }: LayerChoice): void {
  if (!order) return;
  if (mode !== undefined && mode !== "skip") {
    throw new PostgradError(
      "skipdecode/order",
      `mode "${mode}" and order both say which layers are left out; keep one of them`,
    );
  }
  const missing = range(0, layers).find((layer) => !order.includes(layer));
  if (missing === undefined && order.length === layers) return;
  const found = missing === undefined ? `has ${order.length} entries` : `misses layer ${missing}`;
  throw new PostgradError(
    "skipdecode/order",
    `order [${order.join(", ")}] ${found}; it must name each of the layers 0 to ${layers - 1} once`,
  );
}

function byImportance(exit: number, warmup: number, order: readonly number[]): readonly number[] {
  const rest = order.filter((layer) => layer >= warmup);
  return [...range(0, warmup), ...rest.slice(0, exit - warmup)].toSorted((a, b) => a - b);
}
