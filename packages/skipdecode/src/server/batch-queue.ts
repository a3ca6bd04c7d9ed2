import { PostgradError } from "@postgrad/schema";

import { checkRequest } from "../check-request.ts";
import type { Engine } from "../engine.ts";
import type { GenerateEvent, GenerateRequest, GenerateRow } from "../generate.ts";
import { Channel } from "./channel.ts";

/** How deep the tokens of a request go; requests of one depth can share a batch. */
export type Depth = Pick<GenerateRequest, "speedup" | "exact">;

/** How many rows run and wait. */
export interface QueueLimits {
  /** Rows in one batch at most; default 8. */
  readonly maxBatch?: number;
  /** Rows that wait at most; default 64. */
  readonly maxWaiting?: number;
  /** Milliseconds that the first of a batch waits for others; default 5. */
  readonly batchDelay?: number;
}

interface Job {
  readonly rows: readonly GenerateRow[];
  readonly depth: Depth;
  readonly events: Channel<GenerateEvent>;
  readonly signal: AbortSignal;
}

/**
 * Lets requests wait and runs them in batches: the one that waits longest, and with it those behind it that ask for the
 * same depth. A schedule depends on the position in the generation, so a batch starts together and nobody joins it later.
 */
export class BatchQueue {
  readonly #engine: Engine;
  readonly #limits: Required<QueueLimits>;
  readonly #waiting: Job[] = [];
  #isRunning = false;

  constructor(engine: Engine, { maxBatch = 8, maxWaiting = 64, batchDelay = 5 }: QueueLimits = {}) {
    this.#engine = engine;
    this.#limits = { maxBatch, maxWaiting, batchDelay };
  }

  /** Rows that wait. */
  get waiting(): number {
    return this.#waiting.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /**
   * Generates for `rows`; `signal` ends them, waiting or running.
   *
   * @throws PostgradError at once: what the engine refuses, `skipdecode/busy` where too many wait, `skipdecode/request`
   * for more rows than a batch holds.
   */
  run(
    rows: readonly GenerateRow[],
    depth: Depth,
    signal: AbortSignal,
  ): AsyncIterable<GenerateEvent> {
    const { maxBatch, maxWaiting } = this.#limits;
    checkRequest({ rows, ...depth }, this.#engine);
    if (rows.length > maxBatch) {
      throw new PostgradError(
        "skipdecode/request",
        `${rows.length} answers are asked for at once; this server makes at most ${maxBatch}`,
      );
    }
    if (this.waiting + rows.length > maxWaiting) {
      throw new PostgradError(
        "skipdecode/busy",
        `${this.waiting} requests wait already, ${maxWaiting} at most; try again in a moment`,
        { fault: "system" },
      );
    }
    const job = { rows, depth, events: new Channel<GenerateEvent>(), signal };
    this.#waiting.push(job);
    signal.addEventListener("abort", () => this.#leave(job), { once: true });
    if (signal.aborted) this.#leave(job);
    void this.#work();
    return job.events;
  }

  #leave(job: Job): void {
    const place = this.#waiting.indexOf(job);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    for (const row of job.rows.keys()) {
      job.events.push({ type: "finish", row, reason: "abort", text: "" });
    }
    job.events.end();
  }

  async #work(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    await new Promise((resolve) => setTimeout(resolve, this.#limits.batchDelay));
    for (let jobs = this.#next(); jobs.length > 0; jobs = this.#next()) await this.#runBatch(jobs);
    this.#isRunning = false;
  }

  #next(): Job[] {
    const first = this.#waiting.shift();
    if (!first) return [];
    const jobs = [first];
    let room = this.#limits.maxBatch - first.rows.length;
    for (const job of this.#waiting.slice()) {
      if (job.rows.length > room || !isSameDepth(job.depth, first.depth)) continue;
      room -= job.rows.length;
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      jobs.push(job);
    }
    return jobs;
  }

  async #runBatch(jobs: readonly Job[]): Promise<void> {
    const owners = jobs.flatMap((job) => job.rows.map((_, row) => ({ job, row })));
    // A row without a seed gets the one that it would have alone, so that its company does not matter.
    const rows = owners.map(({ job, row }) => ({
      seed: row,
      ...job.rows[row]!,
      signal: job.signal,
    }));
    try {
      for await (const event of this.#engine.generate({ rows, ...jobs[0]!.depth })) {
        const { job, row } = owners[event.row]!;
        job.events.push({ ...event, row });
      }
      for (const { events } of jobs) events.end();
    } catch (error) {
      for (const { events } of jobs) events.fail(error);
    }
  }
}

const isSameDepth = (a: Depth, b: Depth): boolean =>
  a.speedup === b.speedup && JSON.stringify(a.exact) === JSON.stringify(b.exact);
