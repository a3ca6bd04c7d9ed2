import type { TeacherEvent } from "./events.ts";
import { dollars } from "./prices.ts";

/** Where progress is shown, and how. */
export interface ProgressOptions {
  /** How many questions there are, where that is known; it makes the time left. */
  readonly total?: number | undefined;
  /** Default: standard error. A line is drawn only on a terminal. */
  readonly output?: ProgressOutput | undefined;
  /** Write JSON instead, one event a line, terminal or not: failures, retries and notices as they come, counts once a second. */
  readonly json?: boolean | undefined;
  /** Milliseconds; default: the machine's clock. */
  readonly now?: (() => number) | undefined;
}

/** What progress needs of a stream. */
export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What has been done so far. */
export interface Counts {
  /** Questions that are through: answered, from the ledger or not, or failed. */
  readonly done: number;
  readonly cached: number;
  readonly failed: number;
  readonly retries: number;
  /** Paid for in this run, input and output together. */
  readonly tokens: number;
  /** US dollars paid in this run. */
  readonly cost: number;
  /** Questions a second that were really asked; 0 before the first. */
  readonly rate: number;
  /** Seconds until all are through; `undefined` where the total or the rate is not known. */
  readonly secondsLeft: number | undefined;
}

const drawEveryMs = 100;
const jsonEveryMs = 1000;

/**
 * Counts what teachers tell, and shows it: a line that is drawn over on a terminal, JSON where asked for, nothing
 * otherwise. Give `onEvent` to each teacher of the run; end it, or bind it with `using`.
 */
export class Progress implements Disposable {
  readonly #total: number | undefined;
  readonly #output: ProgressOutput;
  readonly #json: boolean;
  readonly #now: () => number;
  readonly #counts = { done: 0, cached: 0, failed: 0, retries: 0, tokens: 0, cost: 0 };
  #startedAt: number | undefined;
  #shownAt = -Infinity;
  #isEnded = false;

  constructor({
    total,
    output = process.stderr,
    json = false,
    now = Date.now,
  }: ProgressOptions = {}) {
    this.#total = total;
    this.#output = output;
    this.#json = json;
    this.#now = now;
  }

  /** What has been done so far. */
  get counts(): Counts {
    const { done, cached } = this.#counts;
    const seconds = this.#startedAt === undefined ? 0 : (this.#now() - this.#startedAt) / 1000;
    const rate = seconds > 0 ? (done - cached) / seconds : 0;
    const secondsLeft =
      this.#total === undefined || rate === 0 ? undefined : Math.max(0, this.#total - done) / rate;
    return { ...this.#counts, rate, secondsLeft };
  }

  /** Takes one event; a bound function. */
  readonly onEvent = (event: TeacherEvent): void => {
    const counts = this.#counts;
    this.#startedAt ??= this.#now();
    if (event.type === "answered" || event.type === "failed") {
      counts.done++;
      counts.tokens += event.inputTokens + event.outputTokens;
      counts.cost += event.cost;
      if (event.type === "failed") counts.failed++;
      else if (event.cached) counts.cached++;
    } else if (event.type === "retry") counts.retries++;
    if (this.#json && event.type !== "answered") this.#write(event);
    else if (event.type === "notice" && this.#output.isTTY)
      this.#output.write(`\r\x1b[K${event.message}\n`);
    this.#show(this.#json ? jsonEveryMs : drawEveryMs);
  };

  /** The counts for a person, in one line. */
  get line(): string {
    const { done, cached, failed, tokens, cost, rate, secondsLeft } = this.counts;
    const parts = [
      this.#total === undefined ? `${done} done` : `${done}/${this.#total}`,
      cached > 0 && `${cached} cached`,
      failed > 0 && `${failed} failed`,
      `${compact(tokens)} tokens`,
      cost > 0 && dollars(cost),
      rate > 0 && `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`,
      secondsLeft !== undefined && `${clockText(secondsLeft)} left`,
    ];
    return parts.filter((part) => part !== false).join(" · ");
  }

  /** Shows the last state and leaves the line. */
  end(): void {
    if (this.#isEnded) return;
    this.#show(0);
    this.#isEnded = true;
    if (!this.#json && this.#output.isTTY) this.#output.write("\n");
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #show(everyMs: number): void {
    const now = this.#now();
    if (now - this.#shownAt < everyMs) return;
    if (this.#json) this.#write({ type: "progress", total: this.#total, ...this.counts });
    else if (this.#output.isTTY)
      this.#output.write(`\r\x1b[K${this.line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    this.#shownAt = now;
  }

  #write(event: object): void {
    this.#output.write(`${JSON.stringify(event)}\n`);
  }
}

function compact(count: number): string {
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(
    count,
  );
}

/** h:mm:ss, or m:ss. */
function clockText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
