import { Type } from "typebox";

/** How the learning rate goes on after the warm-up. */
export const LearningRateShape = Type.Enum(["constant", "linear", "cosine"]);

/** A run's learning rate. */
export interface LearningRateOptions {
  readonly peak: number;
  readonly shape: "constant" | "linear" | "cosine";
  /** Steps over which the rate rises from 0. */
  readonly warmup: number;
  /** Steps of the whole run: linear and cosine reach 0 behind the last one. */
  readonly steps: number;
}

/**
 * The learning rate of a step, counted from 0, as in transformers' schedulers: step s of the warm-up has s / warmup of the peak
 * (its first step 0), and what follows falls over the remaining steps.
 */
export function learningRateAt(
  { peak, shape, warmup, steps }: LearningRateOptions,
  step: number,
): number {
  if (step < warmup) return (peak * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  if (shape === "linear") return peak * (1 - progress);
  if (shape === "cosine") return peak * 0.5 * (1 + Math.cos(Math.PI * progress));
  return peak;
}
