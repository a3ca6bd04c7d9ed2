import { PostgradError } from "@postgrad/schema";

import type { ElementArrays, ElementType, Tensor } from "./runtime.ts";

/**
 * A zeroed tensor in the heap of JavaScript.
 *
 * @throws PostgradError `skipdecode/memory` where there is not enough memory.
 */
export function allocateTensor<Type extends ElementType>(
  type: Type,
  dims: readonly number[],
): Tensor<Type> {
  const length = dims.reduce((product, size) => product * size, 1);
  try {
    return { type, dims, data: new arrays[type](length) as ElementArrays[Type] };
  } catch (cause) {
    throw new PostgradError(
      "skipdecode/memory",
      `no memory for a tensor of ${length} elements ([${dims.join(", ")}]); use fewer rows, shorter prompts or a smaller maxNewTokens`,
      { cause, fault: "system" },
    );
  }
}

const arrays = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;
