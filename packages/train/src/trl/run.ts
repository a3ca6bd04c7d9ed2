import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { PostgradError } from "@postgrad/schema";
import { execa } from "execa";

import { follow, type StepMetrics } from "./metrics.ts";

/** What the driver says of its end. */
export interface DriverReport {
  readonly status: "finished" | "stopped" | "diverged";
  readonly steps: number;
  readonly planned: number;
  /** Rows by what became of them: `whole`, `truncated`, or the reason why they were left out. */
  readonly rows: Readonly<Record<string, number>>;
}

/** How a run is watched and stopped. */
export interface RunOptions {
  /** Asks the run to save a checkpoint after the step in hand, and to stop. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from there until the processes are killed; default ten minutes. */
  readonly grace?: number | undefined;
  /** Called with the metrics of each step as it is logged. */
  readonly onMetrics?: ((metrics: StepMetrics) => void) | undefined;
  /** Milliseconds between two looks at the metrics. */
  readonly interval?: number | undefined;
}

/**
 * Runs a command in the work folder to its end: what it prints goes to `train.log`, its metrics to `onMetrics`.
 *
 * @throws PostgradError `train/trl-failed` with the end of the log where the command fails without a report.
 */
export async function run(
  command: readonly string[],
  folder: string,
  { signal, grace = 600_000, onMetrics, interval }: RunOptions = {},
): Promise<DriverReport> {
  const [file = "", ...args] = command;
  const [log, stop, report] = ["train.log", "stop", "report.json"].map((name) =>
    join(folder, name),
  );
  await rm(stop!, { force: true });
  await rm(report!, { force: true });
  const output = { file: log!, append: true } as const;
  // A process group of its own: Ctrl-C in a terminal reaches us alone, and we ask for the stop.
  const child = execa(file, args, {
    reject: false,
    detached: true,
    stdin: "ignore",
    stdout: output,
    stderr: output,
    env: { HF_HUB_DISABLE_TELEMETRY: "1", PYTHONUNBUFFERED: "1" },
  });
  const ended = new AbortController();
  const watching = watch(join(folder, "metrics.jsonl"), ended.signal, onMetrics, interval);
  let killer: NodeJS.Timeout | undefined;
  const ask = (): void => {
    void writeFile(stop!, "");
    killer = setTimeout(() => killGroup(child.pid), grace);
  };
  signal?.addEventListener("abort", ask, { once: true });
  const { exitCode, message } = await child;
  clearTimeout(killer);
  signal?.removeEventListener("abort", ask);
  ended.abort();
  await watching;
  return (await writtenReport(folder)) ?? fail(command, exitCode, log!, message);
}

/** The driver's report in a work folder, `undefined` where no run has ended there. */
export async function writtenReport(folder: string): Promise<DriverReport | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as DriverReport;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function watch(
  file: string,
  signal: AbortSignal,
  onMetrics: (metrics: StepMetrics) => void = () => {},
  interval?: number,
): Promise<void> {
  for await (const metrics of follow(file, signal, interval)) onMetrics(metrics);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}

async function fail(
  command: readonly string[],
  exitCode: number | undefined,
  log: string,
  message: string | undefined,
): Promise<never> {
  const text = await readFile(log, "utf8").catch(() => "");
  const lines = text.trimEnd().split("\n").slice(-20).join("\n");
  const how =
    exitCode === undefined
      ? `did not run or was killed (${message ?? ""})`
      : `ended with exit code ${exitCode}`;
  throw new PostgradError(
    "train/trl-failed",
    `${command[0]} ${how}; ${log} ends with:\n${lines}\nwhat was saved is kept: the same configuration with "resume" goes on from the last checkpoint`,
    { fault: "system" },
  );
}
