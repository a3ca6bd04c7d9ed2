import { type Static, Type } from "typebox";

/** How an answer is drawn. Part of the question: another temperature is another question. */
export const Parameters = Type.Object(
  {
    maxOutputTokens: Type.Optional(
      Type.Integer({ minimum: 1, description: "the most tokens of one answer" }),
    ),
    temperature: Type.Optional(Type.Number({ minimum: 0, description: "0 is greedy" })),
    topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: "nucleus sampling" })),
    topK: Type.Optional(
      Type.Integer({ minimum: 1, description: "draws from so many most likely tokens" }),
    ),
    presencePenalty: Type.Optional(
      Type.Number({ description: "against tokens that have occurred" }),
    ),
    frequencyPenalty: Type.Optional(
      Type.Number({ description: "against tokens, by how often they have occurred" }),
    ),
    stopSequences: Type.Optional(
      Type.Array(Type.String(), { description: "texts that end an answer" }),
    ),
    seed: Type.Optional(
      Type.Integer({ description: "seed of the first sample; sample n is drawn with seed + n" }),
    ),
    reasoning: Type.Optional(
      Type.Enum(["none", "minimal", "low", "medium", "high", "xhigh"], {
        description: "effort of a reasoning model",
      }),
    ),
  },
  { additionalProperties: false },
);
export type Parameters = Static<typeof Parameters>;
