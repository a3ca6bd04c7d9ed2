import { KeyValueCache } from "./cache.ts";
import { aligned } from "./flow.ts";
import type { Network } from "./network.ts";
import { range } from "./schedule/layer-schedule.ts";
import { similarities } from "./similarity.ts";

/** Block influence of each layer on prompts, 1 - mean cosine of its input and output over all positions. */
export async function blockInfluence(
  network: Network,
  prompts: readonly (readonly number[])[],
): Promise<number[]> {
  const { layers, kvHeads, headDim } = network.decoder;
  await network.split(new Set(range(1, layers)));
  const sums = new Float64Array(layers);
  for (const prompt of prompts) {
    const cache = new KeyValueCache({ rows: 1, kvHeads, headDim }, prompt.length + 1);
    let flow = await network.embed(aligned([prompt], [0], "left"), cache);
    for (const layer of range(0, layers)) {
      const before = flow;
      flow = await network.through(before, [layer], cache, () => false);
      sums[layer]! += similarities(before, flow).reduce((sum, cosine) => sum + cosine, 0);
    }
  }
  const positions = prompts.reduce((sum, { length }) => sum + length, 0);
  return Array.from(sums, (sum) => 1 - sum / positions);
}
