import type { Static, TObject } from "typebox";

import type { Arithmetic } from "./arithmetic.ts";

/** One response as a loss sees it. */
export interface Response<Number> {
  /** Sum of the policy's log-probabilities over the response's tokens, end-of-turn included. */
  readonly policy: Number;
  /** The same of the frozen reference; 0 where the loss uses no reference. */
  readonly reference: Number;
  /** The response's tokens. */
  readonly length: Number;
}

/** What all rows of one optimiser step share. */
export interface StepFacts<Number> {
  /** Mean number of tokens of the (chosen) responses: dividing by it turns sums into a mean over the step's tokens. */
  readonly meanLength: Number;
}

/** What the two kinds of loss have in common. */
interface LossFacts<Options extends TObject> {
  readonly name: string;
  /** One line: what it does and where it comes from. */
  readonly summary: string;
  /** The settings that belong to this loss and no other, closed, with the paper's defaults. */
  readonly options: Options;
}

/** A loss of single responses. The loss of a step is the mean of `row` over its rows. */
export interface CompletionLoss<Options extends TObject = TObject> extends LossFacts<Options> {
  readonly rows: "completions";
  row<Number>(
    math: Arithmetic<Number>,
    options: Static<Options>,
    response: Response<Number>,
    step: StepFacts<Number>,
  ): Number;
}

/** A loss of pairs. The loss of a step is the mean of `row` over its pairs. */
export interface PreferenceLoss<Options extends TObject = TObject> extends LossFacts<Options> {
  readonly rows: "pairs";
  /** Whether log-probabilities of a frozen reference are needed. */
  readonly usesReference: boolean;
  row<Number>(
    math: Arithmetic<Number>,
    options: Static<Options>,
    chosen: Response<Number>,
    rejected: Response<Number>,
    step: StepFacts<Number>,
  ): Number;
  /** The implicit reward of a response, as TRL logs it. */
  reward(options: Static<Options>, response: Response<number>): number;
}

/** Any loss. */
export type Loss = CompletionLoss | PreferenceLoss;

/** Infers the type of a loss's options from their schema. */
export function defineLoss<Options extends TObject>(
  loss: CompletionLoss<Options> | PreferenceLoss<Options>,
): CompletionLoss<Options> | PreferenceLoss<Options> {
  return loss;
}
