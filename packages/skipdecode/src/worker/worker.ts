// The thread that an engine of `openInWorker` lives in.
import { parentPort, workerData } from "node:worker_threads";

import type { Engine } from "../engine.ts";
import { engineHost } from "./engine-host.ts";
import type { Order, Report, WorkerStart } from "./protocol.ts";

const { module, options } = workerData as WorkerStart;
const { openEngine } = (await import(module)) as {
  openEngine: (options: unknown) => Promise<Engine>;
};
const engine = await openEngine(options);
const { name, layers, vocabulary, headCost, contextLength, endTokens } = engine;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
const send = (report: Report): void => parentPort!.postMessage(report);
const host = engineHost(engine, send);
parentPort!.on("message", (order: Order) => host(order));
send({ type: "ready", facts: { name, layers, vocabulary, headCost, contextLength, endTokens } });
