import { loadWeights, openCheckpoint, type OpenOptions, type WeightOptions } from "@postgrad/model";

import { codecOf } from "./codec.ts";
import type { Engine } from "./engine.ts";
import { openEngine } from "./open-engine.ts";
import type { Runtime } from "./runtime.ts";

/** How a checkpoint is opened for generation. */
export interface ModelOptions extends OpenOptions, WeightOptions {
  /** Default: ONNX Runtime of this platform, on the CPU. */
  readonly runtime?: Runtime;
  /** Threads within an operator; default: the runtime's own choice. */
  readonly threads?: number;
}

/**
 * Opens a checkpoint in the Hugging Face layout (a folder, or a hub id such as `"facebook/opt-125m"`) for generation and
 * scoring: its weights, end tokens, tokenizer and chat template. `await using` releases it.
 *
 * Throws what `openCheckpoint` and `openEngine` throw.
 */
export async function openModel(path: string, options: ModelOptions = {}): Promise<Engine> {
  const { runtime, threads } = options;
  await using checkpoint = await openCheckpoint(path, options); // the sessions have read its weights when it closes
  const { endTokens } = await checkpoint.generation();
  const tokenizer = await checkpoint.tokenizer();
  return await openEngine({
    name: path
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .at(-1)!,
    decoder: checkpoint.decoder,
    weights: await loadWeights(checkpoint, options),
    endTokens,
    ...(tokenizer && { tokenizer: codecOf(tokenizer) }),
    ...(runtime && { runtime }),
    ...(threads !== undefined && { threads }),
  });
}
