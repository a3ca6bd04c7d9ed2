export type { Depth, QueueLimits } from "./batch-queue.ts";
export { serve, type ServeOptions, type Serving } from "./serve.ts";
export { openInWorker, type WorkerOptions } from "../worker/open-in-worker.ts";
export { openModelInWorker } from "../worker/open-model-in-worker.ts";
