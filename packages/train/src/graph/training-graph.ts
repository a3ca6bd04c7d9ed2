import { type Decoder, type Graph, GraphBuilder, type Value } from "@postgrad/model";

import { type Formula, gradients } from "../autodiff/gradients.ts";
import type { ChosenLoss } from "../losses/choose.ts";
import { emitHidden } from "./hidden.ts";
import { emitLoss } from "./loss.ts";
import { tokenLogprobs } from "./token-logprobs.ts";
import { type LowRank, trainedWeights } from "./trained-weights.ts";

/** What decides which graph is made. */
export interface TrainingGraphOptions {
  /** Whether rows hold several texts, told apart by `segment_ids`. */
  readonly packed: boolean;
  /** Whether each row runs only the first positions through each layer, as `prefix` says. */
  readonly prefixed: boolean;
  /** The loss whose gradients are wanted; without one the graph only scores. */
  readonly loss?: ChosenLoss | undefined;
  readonly lowRank?: LowRank | undefined;
}

/** A training graph with the names of what is fed and what comes back. */
export interface TrainingGraph {
  readonly graph: Graph;
  /** Weights that are fed, by tensor name. */
  readonly weights: readonly string[];
  /** Weights whose gradient is the output `gradient:NAME`. */
  readonly gradients: readonly string[];
  /** Embeddings whose gradient is `rows:I` [tokens, width], to be added at the rows `ids:I` [tokens]. */
  readonly lookups: readonly string[];
}

/**
 * The graph of one training step over a batch of rows.
 *
 * - in: the weights; `input_ids`, `position_ids` [batch, sequence] int64; `places` [sequence] int64: 0, 1, 2 ...;
 *   packed: `segment_ids` [batch, sequence] int64; prefixed: `prefix` [layers, batch] int64;
 *   `selected` [selected] int64: the flat places (row * sequence + position) whose next token counts, `unselected`
 *   [batch * sequence] int64: for each place its index in `selected`, or the length of `selected`; `targets` [selected] int64;
 *   `response_of` [selected] int64: which response each belongs to; `lengths` [responses] float32: their tokens;
 *   with a loss: `mean_length` and `row_weight`, scalars of the whole optimiser step; `reference_logps` [responses] where
 *   the loss uses a reference. Responses to pairs: all chosen ones, then all rejected ones
 * - out: `logps` [responses]: sums of log-probabilities; with a loss: `loss` (this batch's part of the step's), gradients
 */
export function trainingGraph(decoder: Decoder, options: TrainingGraphOptions): TrainingGraph {
  const builder = new GraphBuilder("training");
  const weights = trainedWeights(builder, decoder, options.lowRank);
  const formulas: Formula[] = [];
  const hidden = emitHidden(builder, decoder, weights, options, formulas);
  const chosen = selectedRows(builder, hidden, formulas);
  const attend = (): Value => {
    throw new TypeError("the head does not attend");
  };
  const logits = decoder.head({ builder, weights, attend }, chosen);
  const targets = builder.input("targets", "int64", ["selected"]);
  const { logprobs, formula } = tokenLogprobs(builder, logits, targets);
  formulas.push(formula);
  const { logps, loss } = emitLoss(builder, logprobs, options.loss);
  builder.output("logps", logps);
  if (!loss)
    return {
      graph: builder.finish(),
      weights: [...weights.inputs.keys()],
      gradients: [],
      lookups: [],
    };
  builder.output("loss", loss);
  const names = [...weights.trained.keys()];
  const leaves = [...weights.trained.values(), ...weights.lookups.map(({ rows }) => rows)];
  const found = gradients(builder, loss, leaves, formulas);
  const isUsed = (index: number): boolean => found[index] !== undefined;
  for (const [index, name] of names.entries()) {
    if (isUsed(index)) builder.output(`gradient:${name}`, found[index]!);
  }
  for (const [index, { ids }] of weights.lookups.entries()) {
    builder.output(`ids:${index}`, ids);
    builder.output(`rows:${index}`, found[names.length + index]!);
  }
  return {
    graph: builder.finish(),
    weights: [...weights.inputs.keys()],
    gradients: names.filter((_, index) => isUsed(index)),
    lookups: weights.lookups.map(({ name }) => name),
  };
}

/** The rows of `hidden` [tokens, width] that are scored. No row is read twice, so the gradient is a look-up as well. */
function selectedRows(builder: GraphBuilder, hidden: Value, formulas: Formula[]): Value {
  const width = hidden.shape[1] as number;
  const selected = builder.input("selected", "int64", ["selected"]);
  const output = builder.node("Gather", [hidden, selected], { axis: 0 });
  const gradient = (g: Value): readonly Value[] => {
    const unselected = builder.input("unselected", "int64", [hidden.shape[0]!]);
    const zero = builder.constant("float32", new Float32Array(width), [1, width]);
    return [builder.node("Gather", [builder.concat([g, zero], 0), unselected], { axis: 0 })];
  };
  formulas.push({ output, inputs: [hidden], gradient });
  return output;
}
