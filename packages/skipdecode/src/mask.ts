import { hiddenScore } from "@postgrad/model";

import { allocateTensor } from "./allocate.ts";
import { noPosition } from "./cache.ts";
import type { Tensor } from "./runtime.ts";

/**
 * The additive mask of new tokens over the cache and over each other, [rows, 1, 1, tokens, past + tokens]: a token at
 * position p sees the columns that hold positions up to p of its row, with a sliding window only those above p - window.
 * `past[row]` and `tokens[row]` are positions by column, `noPosition` where there is none.
 */
export function attentionMask(
  past: readonly Int32Array[],
  tokens: readonly Int32Array[],
  window = Infinity,
): Tensor<"float32"> {
  const count = tokens[0]!.length;
  const columns = past[0]!.length + count;
  const mask = allocateTensor("float32", [tokens.length, 1, 1, count, columns]);
  const { data } = mask;
  let at = 0;
  for (const [row, own] of tokens.entries()) {
    for (const position of own) {
      const oldest = position - window;
      for (const held of past[row]!) data[at++] = isSeen(held, oldest, position) ? 0 : hiddenScore;
      for (const held of own) data[at++] = isSeen(held, oldest, position) ? 0 : hiddenScore;
    }
  }
  return mask;
}

const isSeen = (held: number, oldest: number, position: number): boolean =>
  held !== noPosition && held <= position && held > oldest;
