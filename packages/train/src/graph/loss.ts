import type { GraphBuilder, Value } from "@postgrad/model";

import type { ChosenLoss } from "../losses/choose.ts";
import type { Response } from "../losses/loss.ts";
import { graphArithmetic } from "./graph-arithmetic.ts";

/**
 * From log-probabilities of tokens to those of responses, and to the loss: the sum over the batch's rows of the loss's `row`
 * times `row_weight`.
 */
export function emitLoss(
  builder: GraphBuilder,
  logprobs: Value,
  chosen: ChosenLoss | undefined,
): { readonly logps: Value; readonly loss?: Value } {
  const isPairs = chosen?.loss.rows === "pairs";
  const responses = isPairs ? "2 * pairs" : "responses";
  const lengths = builder.input("lengths", "float32", [responses]);
  const place = builder.input("response_of", "int64", ["selected"]);
  const zeros = builder.sub(lengths, lengths);
  const logps = builder.node(
    "ScatterElements",
    [zeros, place, logprobs],
    { axis: 0, reduction: "add" },
    { outputs: [{ type: "float32", shape: [responses] }] },
  );
  if (!chosen) return { logps };
  const rows = isPairs
    ? pairRows(builder, chosen, logps, lengths)
    : responseRows(builder, chosen, logps, lengths);
  const weight = builder.input("row_weight", "float32", []);
  const sum = builder.reduce("ReduceSum", rows, [0], false);
  return { logps, loss: builder.mul(sum, weight) };
}

const stepFacts = (builder: GraphBuilder) => ({
  meanLength: builder.input("mean_length", "float32", []),
});

function responseRows(
  builder: GraphBuilder,
  { loss, options }: ChosenLoss,
  policy: Value,
  length: Value,
): Value {
  if (loss.rows !== "completions") throw new TypeError(`${loss.name} is a loss of pairs`);
  const response = { policy, length, reference: builder.constant("float32", 0) };
  return loss.row(graphArithmetic(builder), options, response, stepFacts(builder));
}

function pairRows(
  builder: GraphBuilder,
  { loss, options }: ChosenLoss,
  logps: Value,
  lengths: Value,
): Value {
  if (loss.rows !== "pairs") throw new TypeError(`${loss.name} is a loss of single responses`);
  const sides = (x: Value): readonly Value[] => {
    const both = builder.reshape(x, [2, "pairs"]);
    return [0, 1].map((side) => builder.reshape(builder.slice(both, 0, side, side + 1), ["pairs"]));
  };
  const [policies, ownLengths] = [sides(logps), sides(lengths)];
  const references = loss.usesReference
    ? sides(builder.input("reference_logps", "float32", ["2 * pairs"]))
    : [0, 1].map(() => builder.constant("float32", 0));
  const response = (side: 0 | 1): Response<Value> => ({
    policy: policies[side]!,
    reference: references[side]!,
    length: ownLengths[side]!,
  });
  return loss.row(graphArithmetic(builder), options, response(0), response(1), stepFacts(builder));
}
