import { Worker } from "node:worker_threads";

import { PostgradError } from "@postgrad/schema";

import { checkRequest } from "../check-request.ts";
import type { Engine, TextCodec } from "../engine.ts";
import type { GenerateEvent, GenerateRequest } from "../generate.ts";
import { checkScore } from "../score-rows.ts";
import { Channel } from "../server/channel.ts";
import {
  type EngineFacts,
  type Order,
  receivedError,
  type Report,
  sentRequest,
  type WorkerStart,
} from "./protocol.ts";

/** What a worker opens. */
export interface WorkerOptions {
  /** URL (`import.meta.resolve(...)`) of a module that exports `openEngine(options): Promise<Engine>`. */
  readonly module: string;
  /** Given to the module's `openEngine`; must be plain data. */
  readonly options?: unknown;
  /** The model's tokenizer for this thread: it answers at once and cannot be asked across threads. */
  readonly tokenizer?: TextCodec;
}

/**
 * Opens an engine in a thread of its own, so that this one stays free while tokens are computed; otherwise it is like any
 * other. Constraints of `jsonConstraints` and schedules are sent along; conversations and constraints of one's own are not.
 *
 * @throws what the module throws; later `skipdecode/worker` where the thread has died.
 */
export async function openInWorker({ module, options, tokenizer }: WorkerOptions): Promise<Engine> {
  const workerData: WorkerStart = { module, options };
  const worker = new Worker(new URL(import.meta.resolve("#worker")), { workerData });
  const calls = new Calls(worker);
  const facts = await calls.ready;
  return new WorkerEngine(worker, calls, facts, tokenizer);
}

/** The calls that the worker is busy with, by id. */
class Calls {
  readonly ready: Promise<EngineFacts>;
  readonly #worker: Worker;
  readonly #open = new Map<
    number,
    { events: Channel<unknown>; value: PromiseWithResolvers<unknown> }
  >();
  #last = 0;
  #death: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    const { promise, resolve, reject } = Promise.withResolvers<EngineFacts>();
    this.ready = promise;
    worker.on("message", (report: Report) => {
      if (report.type === "ready") resolve(report.facts);
      else this.#take(report);
    });
    const died = (why: Error): void => {
      this.#death ??= why;
      reject(why);
      for (const id of this.#open.keys()) this.#fail(id, this.#death);
    };
    worker.on("error", (error) => died(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", () =>
      died(
        new PostgradError("skipdecode/worker", "the engine's thread has ended; open it again", {
          fault: "system",
        }),
      ),
    );
  }

  /** Starts a call: what comes in while it runs, and what it gives in the end. */
  start(order: (id: number) => Order): {
    id: number;
    events: Channel<unknown>;
    value: Promise<unknown>;
  } {
    const id = ++this.#last;
    const call = { events: new Channel<unknown>(), value: Promise.withResolvers<unknown>() };
    call.value.promise.catch(() => {}); // a generation is read by its events
    this.#open.set(id, call);
    if (this.#death) this.#fail(id, this.#death);
    else this.send(order(id));
    return { id, events: call.events, value: call.value.promise };
  }

  send(order: Order): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    this.#worker.postMessage(order);
  }

  #take(report: Exclude<Report, { type: "ready" }>): void {
    if (report.type === "event") this.#open.get(report.id)?.events.push(report.event);
    else if (report.type === "error") this.#fail(report.id, receivedError(report.error));
    else {
      this.#open.get(report.id)?.events.end();
      this.#open.get(report.id)?.value.resolve(report.value);
      this.#open.delete(report.id);
    }
  }

  #fail(id: number, error: Error): void {
    this.#open.get(id)?.events.fail(error);
    this.#open.get(id)?.value.reject(error);
    this.#open.delete(id);
  }
}

class WorkerEngine implements Engine {
  readonly name: string;
  readonly layers: number;
  readonly vocabulary: number;
  readonly headCost: number;
  readonly contextLength: number;
  readonly endTokens: readonly number[];
  readonly tokenizer?: TextCodec;
  readonly #worker: Worker;
  readonly #calls: Calls;
  #disposal: Promise<void> | undefined;

  constructor(worker: Worker, calls: Calls, facts: EngineFacts, tokenizer?: TextCodec) {
    this.#worker = worker;
    this.#calls = calls;
    this.name = facts.name;
    this.layers = facts.layers;
    this.vocabulary = facts.vocabulary;
    this.headCost = facts.headCost;
    this.contextLength = facts.contextLength;
    this.endTokens = facts.endTokens;
    if (tokenizer) this.tokenizer = tokenizer;
  }

  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent, void, undefined> {
    checkRequest(request, this);
    const sent = sentRequest(request);
    const { id, events } = this.#calls.start((call) => ({
      type: "generate",
      id: call,
      request: sent,
    }));
    const abort = (row?: number): void =>
      this.#calls.send({ type: "abort", id, ...(row !== undefined && { row }) });
    const stops = [
      onAbort(request.signal, () => abort()),
      ...request.rows.map(({ signal }, row) => onAbort(signal, () => abort(row))),
    ];
    try {
      yield* events as AsyncIterable<GenerateEvent>;
    } finally {
      for (const stop of stops) stop();
      abort(); // nothing where it has ended; who stops reading ends it
    }
  }

  async score(...[rows, options = {}]: Parameters<Engine["score"]>): ReturnType<Engine["score"]> {
    checkScore(rows, this);
    const { signal, ...rest } = options;
    const { id, value } = this.#calls.start((call) => ({
      type: "score",
      id: call,
      rows,
      options: rest,
    }));
    const stop = onAbort(signal, () => this.#calls.send({ type: "abort", id }));
    return (await value.finally(stop)) as Awaited<ReturnType<Engine["score"]>>;
  }

  async influence(prompts: readonly (readonly number[])[]): Promise<number[]> {
    const { value } = this.#calls.start((id) => ({ type: "influence", id, prompts }));
    return (await value) as number[];
  }

  async dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    await this.#disposal;
  }

  async #end(): Promise<void> {
    await this.#calls.start((id) => ({ type: "dispose", id })).value.catch(() => {}); // a dead thread is disposed of
    await this.#worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal?.aborted) act();
  signal?.addEventListener("abort", act, { once: true });
  return () => signal?.removeEventListener("abort", act);
}
