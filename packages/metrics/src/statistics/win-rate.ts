import { PostgradError } from "@postgrad/schema";

import { mean, variance } from "./samples.ts";

/** What a judge preferred over a set of instructions; rates and errors in per cent. */
export interface WinRate {
  /** The mean preference for the model: a draw counts half. */
  readonly winRate: number;
  /** Standard error of the mean; NaN of fewer than two. */
  readonly standardError: number;
  /** The same with every preference rounded to a win, a loss, or a draw. */
  readonly discreteWinRate: number;
  readonly wins: number;
  readonly losses: number;
  readonly draws: number;
  /** Preferences counted. */
  readonly n: number;
  /** Verdicts that were no preference (null): left out, not taken for draws. */
  readonly unscored: number;
}

/**
 * The win rate of a model against a baseline, as AlpacaEval computes it (its `describe_head2head`). A preference is 1
 * where the baseline wins, 2 where the model wins, 1.5 or 0 for a draw, and anything between 1 and 2 by probability. The
 * length-controlled rate of AlpacaEval 2 is not here: it needs a fitted difficulty of each of its own instructions.
 */
export function winRate(preferences: readonly (number | null)[]): WinRate {
  const scored = preferences.filter((preference) => preference !== null);
  const wins = scored.map((preference) => chance(preference));
  const won = wins.filter((win) => win > 0.5).length;
  const draws = wins.filter((win) => win === 0.5).length;
  const n = wins.length;
  return {
    winRate: 100 * mean(wins),
    standardError: 100 * Math.sqrt(variance(wins) / n),
    discreteWinRate: (100 * (won + draws / 2)) / n,
    wins: won,
    losses: n - won - draws,
    draws,
    n,
    unscored: preferences.length - n,
  };
}

function chance(preference: number): number {
  if (preference === 0) return 0.5; // AlpacaEval's older way to write a draw
  if (preference >= 1 && preference <= 2) return preference - 1;
  throw new PostgradError(
    "metrics/preference",
    `${preference} is no preference: 1 the baseline, 2 the model, 1.5 or 0 a draw, null for no verdict`,
  );
}
