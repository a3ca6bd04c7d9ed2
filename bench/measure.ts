// What every benchmark needs: a clock that warms up first, the machine in words, a table for people and a file for later.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";

/** One measured figure: the median of the rounds, with its spread, in `unit`. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly unit: string;
}

/**
 * Runs `work` for `rounds` rounds after one that does not count, and returns its rate: `amount` per second, where
 * `amount` is what one round handles, in `unit`.
 */
export async function rate(
  name: string,
  amount: number,
  unit: string,
  work: () => unknown,
  rounds = 5,
): Promise<Figure> {
  await work();
  const rates: number[] = [];
  for (let done = 0; done < rounds; done++) {
    const start = performance.now();
    await work();
    rates.push((amount / (performance.now() - start)) * 1000);
  }
  const sorted = rates.toSorted((a, b) => a - b);
  return {
    name,
    value: sorted[Math.floor(rounds / 2)]!,
    low: sorted[0]!,
    high: sorted.at(-1)!,
    unit: `${unit}/s`,
  };
}

/** Prints the figures and writes them to `results/<benchmark>.json` with the machine's description. */
export function report(benchmark: string, figures: readonly Figure[]): void {
  console.table(
    Object.fromEntries(
      figures.map(({ name, value, low, high, unit }) => [
        name,
        { value: round(value), low: round(low), high: round(high), unit },
      ]),
    ),
  );
  const folder = `${import.meta.dirname}/results`;
  mkdirSync(folder, { recursive: true });
  const stored = {
    benchmark,
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: machine(),
    figures,
  };
  writeFileSync(`${folder}/${benchmark}.json`, `${JSON.stringify(stored, null, 2)}\n`);
}

/** The machine in words. */
export function machine(): Record<string, string | number> {
  return {
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
