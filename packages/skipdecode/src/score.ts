import type { TokenLogprob } from "./generate.ts";
import type { LayerSchedule } from "./schedule/layer-schedule.ts";

/** A prompt and what may follow it; the prompt is computed once for all its continuations. */
export interface ScoreRow {
  /** Token ids; at least one. */
  readonly prompt: readonly number[];
  /** Token ids of each continuation; an empty one has log-likelihood 0. */
  readonly continuations: readonly (readonly number[])[];
}

/** How to score. */
export interface ScoreOptions {
  /** Runs every position through these layers only, ascending; default: all. */
  readonly layers?: readonly number[];
  /** Scores as decoding by this schedule would choose: the prompt by its prompt layers, each token by its own. */
  readonly schedule?: LayerSchedule;
  /** Reports the logits after the last token of each continuation; default false. */
  readonly logits?: boolean;
  /** Reports the n most likely tokens at each position of the continuation; default 0. */
  readonly top?: number;
  readonly signal?: AbortSignal;
}

/** The log-likelihood of one continuation. */
export interface ScoredContinuation {
  /** Natural log-probability of each token, given all before it. */
  readonly logprobs: readonly number[];
  /** Their sum. */
  readonly sum: number;
  /** Whether each token is the most likely one. */
  readonly greedy: boolean;
  /** The most likely tokens at each position; empty unless asked for. */
  readonly top: readonly (readonly TokenLogprob[])[];
  /** Logits after the last token, where asked for. */
  readonly logits?: Float32Array;
}
