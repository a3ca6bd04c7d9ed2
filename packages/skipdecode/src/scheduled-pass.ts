import type { KeyValueCache } from "./cache.ts";
import { firstTokens, type Flow } from "./flow.ts";
import type { Network } from "./network.ts";
import { type LayerSchedule, range } from "./schedule/layer-schedule.ts";
import { boundariesOf, runsBetween, setsOf } from "./segments.ts";

/**
 * Generated tokens of index `start` and on through a schedule in one pass. Budgets only fall, so the tokens that use a layer
 * are the first ones of the flow: each run of layers takes that prefix, and the rest passes unchanged. The result is what
 * decoding token by token gives.
 */
export async function scheduledPass(
  network: Network,
  flow: Flow,
  schedule: LayerSchedule,
  start: number,
  cache: KeyValueCache,
): Promise<Flow> {
  const tokens = flow.positions[0]!.length;
  const indices = range(start, start + tokens);
  const all = { from: 0, to: schedule.layers };
  const cuts = boundariesOf(schedule.layers, setsOf(schedule, start + tokens));
  let { hidden } = flow;
  for (const { from, to } of runsBetween(all, cuts)) {
    const count = indices.filter((index) => schedule.layersAt(index).includes(from)).length;
    if (count === 0) continue;
    const part = firstTokens({ ...flow, hidden }, count);
    const top = await network.through(part, range(from, to), cache);
    if (count === tokens) {
      hidden = top.hidden;
    } else {
      const merged = (hidden.data as Float32Array).slice();
      merged.set(top.hidden.data as Float32Array);
      hidden = { ...hidden, data: merged };
    }
  }
  return { ...flow, hidden };
}
