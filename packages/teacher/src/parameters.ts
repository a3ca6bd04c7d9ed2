import { type Static, Type } from "typebox";

/** How an answer is drawn. Part of the question: another temperature is another question. */
export const Parameters = Type.Object(
  {
    maxOutputTokens: Type.Optional(
      Type.Integer({ minimum: 1, description: "the most tokens of one answer" }),
    ),
    temperature: Type.Optional(Type.Number({ minimum: 0, description: "0 is greedy" })),
    topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: "nucleus sampling" })),
    topK: Type.Optional(Type.Integer({ minimum: 1 })),
    presencePenalty: Type.Optional(Type.Number()),
    frequencyPenalty: Type.Optional(Type.Number()),
    stopSequences: Type.Optional(Type.Array(Type.String())),
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
