// What the worker of `openModelInWorker` opens: plain data in, an engine out.
import type { Engine } from "../engine.ts";
import { type ModelOptions, openModel } from "../open-model.ts";

/** Opens the checkpoint at `path`. */
export function openEngine({ path, ...options }: { path: string } & ModelOptions): Promise<Engine> {
  return openModel(path, options);
}
