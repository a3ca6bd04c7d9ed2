import { PostgradError } from "@postgrad/schema";

import type { BlockFormat } from "../quantize/quantize-rows.ts";

/** How linear layers are stored and multiplied. Norms, biases and embeddings keep the checkpoint's own type. */
export const weightFormats = ["fp32", "fp16", "int8", "int4"] as const;
/** One of `weightFormats`. */
export type WeightFormat = (typeof weightFormats)[number];

/** What `loadWeights` takes beside the checkpoint. */
export interface WeightOptions {
  /** The format of linear layers; `fp32` by default. */
  readonly format?: WeightFormat;
  /** A format of its own for a linear layer, by its tensor's name; undefined: `format`. Applied to all that share an input. */
  readonly formatOf?: (tensor: string) => WeightFormat | undefined;
  /** Numbers that share a scale: 16, 32 (the default), 64, 128 or 256. */
  readonly block?: number;
  /** Zero in the middle of the range (the default), or a zero point for each block. */
  readonly symmetric?: boolean;
  /** Where quantised weights are kept; `POSTGRAD_CACHE`, or `postgrad` in the user's cache folder. */
  readonly cacheFolder?: string;
}

/** The block format of `int8` and `int4`; undefined for the others. Throws `model/block` for an impossible block. */
export function blockFormat(
  format: WeightFormat,
  { block = 32, symmetric = true }: WeightOptions,
): BlockFormat | undefined {
  if (format !== "int4" && format !== "int8") return undefined;
  if ([16, 32, 64, 128, 256].includes(block))
    return { bits: format === "int4" ? 4 : 8, block, symmetric };
  throw new PostgradError("model/block", `block is ${block}; supported: 16, 32, 64, 128, 256`);
}
