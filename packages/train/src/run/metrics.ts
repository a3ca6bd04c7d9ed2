import { appendFile, readFile, writeFile } from "node:fs/promises";

import type { PreparedRow } from "../data/prepare.ts";
import type { ChosenLoss } from "../losses/choose.ts";

/** One line of `metrics.jsonl`: names as TRL logs them. */
export type StepMetrics = Readonly<Record<string, number>>;

/** A row of a step with what came out of it: log-probabilities of its texts, by the policy and by the reference. */
export interface ScoredRow {
  readonly row: PreparedRow;
  readonly logps: readonly number[];
  readonly references: readonly number[];
}

/** The means over a step's rows that TRL logs for preference losses; nothing for others. */
export function preferenceMetrics(
  { loss, options }: ChosenLoss,
  rows: readonly ScoredRow[],
): StepMetrics {
  if (loss.rows !== "pairs") return {};
  const rewards = rows.map(({ row, logps, references }) =>
    [0, 1].map((side) =>
      loss.reward(options, {
        policy: logps[side]!,
        reference: references[side] ?? 0,
        length: row.texts[side]!.scored.length,
      }),
    ),
  );
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    "rewards/chosen": mean(rewards.map(([chosen]) => chosen!)),
    "rewards/rejected": mean(rewards.map(([, rejected]) => rejected!)),
    "rewards/margins": mean(rewards.map(([chosen, rejected]) => chosen! - rejected!)),
    "rewards/accuracies": mean(rewards.map(([chosen, rejected]) => (chosen! > rejected! ? 1 : 0))),
    "logps/chosen": mean(rows.map(({ logps }) => logps[0]!)),
    "logps/rejected": mean(rows.map(({ logps }) => logps[1]!)),
  };
}

/** Rows of each tier in a step, as `curriculum/TIER`. */
export function tierCounts(rows: readonly PreparedRow[]): StepMetrics {
  const counts: Record<string, number> = {};
  for (const { tier } of rows) {
    const name = `curriculum/${tier}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Appends one line. */
export const appendMetrics = (file: string, metrics: StepMetrics): Promise<void> =>
  appendFile(file, `${JSON.stringify(metrics)}\n`);

/** Leaves only the lines up to `step`: what a killed run wrote behind its last checkpoint is computed again. */
export async function keepMetrics(file: string, step: number): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => {
    try {
      return (JSON.parse(line) as StepMetrics)["step"]! <= step;
    } catch {
      return false;
    }
  });
  await writeFile(file, lines.map((line) => `${line}\n`).join(""));
}
