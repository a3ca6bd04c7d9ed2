import { KeyValueCache } from "./cache.ts";
import { checkPrompt, checkTokens, type Limits } from "./check-request.ts";
import { aligned, type Flow } from "./flow.ts";
import type { Network } from "./network.ts";
import { chunks, prefill } from "./prefill.ts";
import { argmax, logSumExp, topTokens } from "./sampling/logits.ts";
import { layerSchedule, type LayerSchedule, range } from "./schedule/layer-schedule.ts";
import { scheduledPass } from "./scheduled-pass.ts";
import type { ScoredContinuation, ScoreOptions, ScoreRow } from "./score.ts";
import { boundariesOf, setsOf } from "./segments.ts";

/** Sequences that go through the network side by side. */
const batchRows = 8;
/** Places that go through the head at once; bounds the memory of the logits. */
const headPlaces = 64;

/** Scores rows; prompts are read once each, in batches of similar length. */
export async function scoreRows(
  network: Network,
  rows: readonly ScoreRow[],
  options: ScoreOptions,
): Promise<ScoredContinuation[][]> {
  const schedule = scheduleOf(network.decoder.layers, options);
  const longest = Math.max(
    ...rows.flatMap(({ continuations }) => continuations.map((c) => c.length)),
    1,
  );
  await network.split(boundariesOf(schedule.layers, setsOf(schedule, longest)));
  const scored: ScoredContinuation[][] = rows.map(() => []);
  const order = [...rows.keys()].toSorted(
    (a, b) => rows[a]!.prompt.length - rows[b]!.prompt.length,
  );
  for (let start = 0; start < order.length; start += batchRows) {
    const places = order.slice(start, start + batchRows);
    const batch = await scoreBatch(
      network,
      places.map((place) => rows[place]!),
      schedule,
      options,
    );
    for (const [i, place] of places.entries()) scored[place] = batch[i]!;
  }
  return scored;
}

/** @throws PostgradError `skipdecode/request` naming the row, the value and the remedy. */
export function checkScore(rows: readonly ScoreRow[], limits: Limits): void {
  for (const [index, { prompt, continuations }] of rows.entries()) {
    checkPrompt(prompt, `row ${index}`, limits);
    for (const [i, tokens] of continuations.entries()) {
      const place = `row ${index}, continuation ${i}`;
      checkTokens(tokens, place, limits.vocabulary);
      checkPrompt([...prompt, ...tokens], place, limits);
    }
  }
}

function scheduleOf(layers: number, { schedule, layers: own }: ScoreOptions): LayerSchedule {
  const set = own ?? range(0, layers);
  return schedule ?? layerSchedule({ layers, prompt: set, sets: [set] });
}

interface Sequence {
  /** Its row within the batch. */
  readonly row: number;
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
  readonly account: Account;
}

async function scoreBatch(
  network: Network,
  rows: readonly ScoreRow[],
  schedule: LayerSchedule,
  options: ScoreOptions,
): Promise<ScoredContinuation[][]> {
  const { kvHeads, headDim } = network.decoder;
  const columns = Math.max(...rows.map(({ prompt }) => prompt.length)) + 1;
  const cache = new KeyValueCache({ rows: rows.length, kvHeads, headDim }, columns);
  const first = await prefill({
    network,
    cache,
    sequences: rows.map(({ prompt }) => prompt),
    starts: rows.map(() => 0),
    layers: schedule.prompt,
    isAborted: () => throwIfAborted(options.signal),
  });
  const sequences = rows.flatMap(({ prompt, continuations }, row) =>
    continuations.map((tokens) => ({ row, prompt, tokens, account: new Account(tokens, options) })),
  );
  for (const { row, account } of sequences) account.take(first[row]!);
  const longer = sequences.filter(({ account }) => !account.isDone);
  for (let start = 0; start < longer.length; start += batchRows) {
    await scoreOn(network, cache, longer.slice(start, start + batchRows), schedule, options);
  }
  return rows.map((_, row) =>
    sequences.filter((sequence) => sequence.row === row).map(({ account }) => account.result()),
  );
}

/** Reads the continuations on top of copies of their prompts' caches. */
async function scoreOn(
  network: Network,
  prompts: KeyValueCache,
  sequences: readonly Sequence[],
  schedule: LayerSchedule,
  { signal, logits = false }: ScoreOptions,
): Promise<void> {
  const read = sequences.map(({ tokens }) => (logits ? tokens : tokens.slice(0, -1)));
  const columns = Math.max(...read.map(({ length }) => length));
  const cache = prompts.copyRows(
    sequences.map(({ row }) => row),
    columns,
  );
  const pass = aligned(
    read,
    sequences.map(({ prompt }) => prompt.length),
    "right",
  );
  const isAborted = (): boolean => throwIfAborted(signal);
  const through = (flow: Flow, start: number): Promise<Flow> =>
    scheduledPass(network, flow, schedule, start, cache);
  for await (const [flow, start] of chunks({ network, cache, isAborted }, pass, through)) {
    const end = start + flow.positions[0]!.length;
    const places = range(start, end).flatMap((column) =>
      [...sequences.keys()].filter((i) => column < read[i]!.length).map((i) => ({ column, i })),
    );
    for (let from = 0; from < places.length; from += headPlaces) {
      const part = places.slice(from, from + headPlaces);
      const selected = part.map(({ column, i }) => (column - start) * sequences.length + i);
      const given = await network.head(flow, selected);
      for (const [j, { i }] of part.entries()) sequences[i]!.account.take(given[j]!);
    }
  }
}

/** What is known of one continuation so far; takes the logits of its places in order. */
class Account {
  readonly #tokens: readonly number[];
  readonly #options: ScoreOptions;
  readonly #logprobs: number[] = [];
  readonly #top: { token: number; logprob: number }[][] = [];
  #isGreedy = true;
  #last: Float32Array | undefined;

  constructor(tokens: readonly number[], options: ScoreOptions) {
    this.#tokens = tokens;
    this.#options = options;
  }

  get isDone(): boolean {
    const isScored = this.#logprobs.length === this.#tokens.length;
    return isScored && (!this.#options.logits || this.#last !== undefined);
  }

  take(logits: Float32Array): void {
    const token = this.#tokens[this.#logprobs.length];
    if (token === undefined) {
      if (this.#options.logits) this.#last = logits.slice();
      return;
    }
    const total = logSumExp(logits);
    this.#logprobs.push(logits[token]! - total);
    this.#isGreedy &&= argmax(logits) === token;
    const { top = 0 } = this.#options;
    if (top === 0) return;
    this.#top.push(
      topTokens(logits, top).map((id) => ({ token: id, logprob: logits[id]! - total })),
    );
  }

  result(): ScoredContinuation {
    return {
      logprobs: this.#logprobs,
      sum: this.#logprobs.reduce((sum, logprob) => sum + logprob, 0),
      greedy: this.#isGreedy,
      top: this.#top,
      ...(this.#last && { logits: this.#last }),
    };
  }
}

function throwIfAborted(signal: AbortSignal | undefined): false {
  signal?.throwIfAborted();
  return false;
}
