import { openCheckpoint } from "@postgrad/model";

import { codecOf } from "../codec.ts";
import type { Engine } from "../engine.ts";
import type { ModelOptions } from "../open-model.ts";
import { openInWorker } from "./open-in-worker.ts";

/**
 * `openModel` in a thread of its own, so that this one stays free while tokens are computed: what a server needs. Options
 * must be plain data, so the runtime is the platform's own.
 */
export async function openModelInWorker(
  path: string,
  options: Omit<ModelOptions, "runtime" | "files"> = {},
): Promise<Engine> {
  await using checkpoint = await openCheckpoint(path, options);
  const tokenizer = await checkpoint.tokenizer();
  return await openInWorker({
    module: import.meta.resolve("#model-module"),
    options: { path, ...options },
    ...(tokenizer && { tokenizer: codecOf(tokenizer) }),
  });
}
