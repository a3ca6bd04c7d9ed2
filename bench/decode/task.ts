// What the parts of the benchmark agree on. Each part runs in a process of its own: none inherits another's memory or threads.
import type { Format } from "./random-weights.ts";

/** One measurement to make; the parts get it as JSON in their first argument. */
export interface Task {
  /** Name in `shapes`. */
  readonly shape: string;
  readonly format: Format;
  readonly threads: number;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** Tokens generated after it. */
  readonly generated: number;
  /** Times each figure is taken; the best is kept, since other work on the machine can only slow it down. */
  readonly rounds: number;
}

/** The task that this process was started with. */
export const task = (): Task => JSON.parse(process.argv[2]!) as Task;

/** Hands the figures to the process that asked for them. */
export function reply(figures: object): void {
  process.stdout.write(`\nfigures ${JSON.stringify(figures)}\n`);
}

/** Milliseconds that `work` takes, the best of `rounds` after one that does not count. */
export async function best(rounds: number, work: () => Promise<number | void>): Promise<number> {
  let least = Infinity;
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    const own = await work();
    const taken = own ?? performance.now() - start;
    if (round > 0) least = Math.min(least, taken);
  }
  return least;
}
