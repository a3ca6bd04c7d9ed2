import { maskName } from "@postgrad/model";

import { noPosition } from "./cache.ts";
import { attentionMask } from "./mask.ts";
import type { Tensor } from "./runtime.ts";

/** Tokens of a batch that go through the network together: `ids[row][i]` at `positions[row][i]`, padding without one. */
export interface Pass {
  readonly ids: readonly Int32Array[];
  readonly positions: readonly Int32Array[];
}

/** Sequences side by side, one column each to the right end (`left` padding) or from the left one (`right`). */
export function aligned(
  sequences: readonly ArrayLike<number>[],
  starts: readonly number[],
  padding: "left" | "right",
): Pass {
  const columns = sequences.reduce((most, { length }) => Math.max(most, length), 0);
  const ids = sequences.map(() => new Int32Array(columns));
  const positions = sequences.map(() => new Int32Array(columns).fill(noPosition));
  for (const [row, sequence] of sequences.entries()) {
    const offset = padding === "left" ? columns - sequence.length : 0;
    for (let i = 0; i < sequence.length; i++) {
      ids[row]![offset + i] = sequence[i]!;
      positions[row]![offset + i] = starts[row]! + i;
    }
  }
  return { ids, positions };
}

/** The columns `start` to `end` of a pass. */
export function columnsOf({ ids, positions }: Pass, start: number, end: number): Pass {
  const cut = (rows: readonly Int32Array[]) => rows.map((row) => row.subarray(start, end));
  return { ids: cut(ids), positions: cut(positions) };
}

/** A pass on its way up the layers. */
export interface Flow {
  /** Positions by row and column, of the cache that the pass meets and of its own tokens. */
  readonly past: readonly Int32Array[];
  readonly positions: readonly Int32Array[];
  /** Hidden states [tokens, rows, width] as they are now. */
  readonly hidden: Tensor;
  /** Cosines and sines [tokens, rows, ...], for families with rotary positions. */
  readonly rotations: ReadonlyMap<string, Tensor>;
  /** Masks that were made so far, by the name of their input. */
  readonly masks: Map<string, Tensor>;
}

/** The mask of layers with this sliding window: the name of its input, and the tensor. */
export function maskOf(flow: Flow, window: number | undefined): [string, Tensor] {
  const name = maskName(window);
  const mask = flow.masks.get(name) ?? attentionMask(flow.past, flow.positions, window);
  flow.masks.set(name, mask);
  return [name, mask];
}

/** The first `tokens` columns of a flow, on the same memory. */
export function firstTokens(flow: Flow, tokens: number): Flow {
  const cut = ({ type, dims, data }: Tensor): Tensor => ({
    type,
    dims: dims.with(0, tokens),
    data: data.subarray(0, (data.length / dims[0]!) * tokens),
  });
  return {
    past: flow.past,
    positions: flow.positions.map((own) => own.subarray(0, tokens)),
    hidden: cut(flow.hidden),
    rotations: new Map([...flow.rotations].map(([name, tensor]) => [name, cut(tensor)])),
    masks: new Map(),
  };
}
