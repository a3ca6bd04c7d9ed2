import { Type } from "typebox";

import { defineLoss } from "./loss.ts";

/**
 * Supervised fine-tuning: the negative log-likelihood of the response's tokens.
 *
 * Two responses, log-probabilities -6 over 3 tokens and -2 over 1: over tokens 8/4 = 2, over sequences (2 + 2)/2 = 2,
 * summed (6 + 2)/2 = 4.
 */
export const sft = defineLoss({
  name: "sft",
  summary: "cross-entropy on response tokens",
  rows: "completions",
  options: Type.Object(
    {
      average: Type.Enum(["tokens", "sequences", "sum"], {
        default: "tokens",
        description: "mean over the step's tokens, mean of the sequences' means, or mean of sums",
      }),
    },
    { additionalProperties: false },
  ),
  row: (math, { average }, response, { meanLength }) => {
    const negative = math.sub(math.constant(0), response.policy);
    if (average === "sum") return negative;
    return math.div(negative, average === "tokens" ? meanLength : response.length);
  },
});
