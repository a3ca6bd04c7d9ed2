import { Type } from "typebox";

/** The option of losses that are measured against a reference. */
export const Beta = (preset: number, description: string) =>
  Type.Number({ exclusiveMinimum: 0, default: preset, description });

/** The option of losses that allow for wrong labels. */
export const LabelSmoothing = Type.Number({
  minimum: 0,
  exclusiveMaximum: 0.5,
  default: 0,
  description: "probability that a pair's label is wrong (cDPO)",
});

/** The option of losses for which both conventions are in use. */
export const LogpsOption = (preset: "sum" | "mean") =>
  Type.Enum(["sum", "mean"], {
    default: preset,
    description: "how a response's token log-probabilities are put together",
  });
