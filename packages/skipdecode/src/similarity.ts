import type { Flow } from "./flow.ts";
import { range } from "./schedule/layer-schedule.ts";

/** Cosine between the hidden states before and after a layer, place by place. */
export function similarities(before: Flow, after: Flow): number[] {
  const [a, b] = [before.hidden.data as Float32Array, after.hidden.data as Float32Array];
  const width = before.hidden.dims.at(-1)!;
  return range(0, a.length / width).map((place) => {
    let [dot, aa, bb] = [0, 0, 0];
    for (let i = place * width; i < (place + 1) * width; i++) {
      dot += a[i]! * b[i]!;
      aa += a[i]! ** 2;
      bb += b[i]! ** 2;
    }
    return dot / Math.sqrt(aa * bb);
  });
}
