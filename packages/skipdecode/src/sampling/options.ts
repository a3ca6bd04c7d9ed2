import { PostgradError } from "@postgrad/schema";

/** How a token is chosen from logits. Without any option: the most likely one. */
export interface SamplingOptions {
  /** Divides the logits; 0 (the default) is greedy. */
  readonly temperature?: number;
  /** Keeps the k most likely tokens; 0 (the default) keeps all. */
  readonly topK?: number;
  /** Keeps the fewest most likely tokens whose mass reaches this; 1 (the default) keeps all. */
  readonly topP?: number;
  /** Keeps tokens of at least this share of the likeliest one's probability; 0 (the default) keeps all. */
  readonly minP?: number;
  /** Divides positive and multiplies negative logits of tokens seen before, prompt included; 1 (the default) is none. */
  readonly repetitionPenalty?: number;
}

/** @throws PostgradError `skipdecode/sampling` naming the option, its value and what it may be. */
export function checkSampling(options: SamplingOptions): void {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  refuseUnless(temperature >= 0 && temperature < Infinity, "temperature", temperature, "0 or more");
  refuseUnless(Number.isInteger(topK) && topK >= 0, "topK", topK, "an integer, 0 for all tokens");
  refuseUnless(topP > 0 && topP <= 1, "topP", topP, "above 0 and at most 1");
  refuseUnless(minP >= 0 && minP <= 1, "minP", minP, "from 0 to 1");
  const isPenalty = repetitionPenalty > 0 && repetitionPenalty < Infinity;
  refuseUnless(isPenalty, "repetitionPenalty", repetitionPenalty, "above 0, 1 for none");
}

function refuseUnless(isGood: boolean, name: string, value: number, wanted: string): void {
  if (isGood) return;
  throw new PostgradError("skipdecode/sampling", `${name} is ${value}; it must be ${wanted}`);
}
