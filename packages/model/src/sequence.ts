import type { AttentionInput, Decoder, Emission, Weights } from "./families/decoder.ts";
import { GraphBuilder } from "./graph/builder.ts";
import type { Value } from "./graph/graph.ts";
import { sequenceAttention } from "./layers/attention.ts";
import { segmentMask } from "./layers/mask.ts";
import { trainedWeights } from "./weights/trained.ts";

/** What `sequenceGraph` takes beside the decoder. */
export interface SequenceOptions {
  /**
   * How weights get into the graph; by default each is an input under its tensor's name. Wrap the default to change some of
   * them, as LoRA does.
   */
  readonly weights?: (builder: GraphBuilder) => Weights;
  /** The layers that run, in ascending order; all by default. */
  readonly layers?: readonly number[];
}

/** The full-sequence graph while it is still open, so that a loss and its gradients can be appended. */
export interface SequenceGraph {
  readonly builder: GraphBuilder;
  /** Last hidden states of all positions, before the final norm: [sequence, batch, hiddenSize]. */
  readonly hidden: Value;
  /** Logits of the places that the input `selected` names: [selected, vocabSize]. */
  readonly logits: Value;
  /** The inputs that are weights, by tensor name, in order of first use. */
  readonly parameters: ReadonlyMap<string, Value>;
}

/**
 * The graph of whole sequences, made of operators that can be differentiated. Hidden states are position-major: the rows
 * of a flattened [sequence, batch, width] are position * batch + row.
 *
 * - in: `input_ids`, `position_ids` [batch, sequence] int64; `segment_ids` [batch, sequence] int64: a token sees the earlier
 *   tokens of its own segment (packed texts have one each, padding any other number);
 *   `selected` [selected] int64: position * batch + row of each place whose logits are wanted; the weights
 * - out: none yet; name `logits`, a loss, or gradients with `builder.output`
 */
export function sequenceGraph(decoder: Decoder, options: SequenceOptions = {}): SequenceGraph {
  const builder = new GraphBuilder("sequence");
  const shape = ["batch", "sequence"];
  const [ids, positions, segments] = ["input_ids", "position_ids", "segment_ids"].map((name) =>
    builder.transpose(builder.input(name, "int64", shape), [1, 0]),
  );
  const selected = builder.input("selected", "int64", ["selected"]);
  const parameters = new Map<string, Value>();
  const weights = (options.weights ?? ((on) => trainedWeights(on, decoder, parameters)))(builder);
  const rotary = decoder.rotaryDim > 0 ? decoder.rotaryTables(builder, positions!) : undefined;
  const masks = new Map<number | undefined, Value>();
  const attend = (input: AttentionInput): Value => {
    const window = decoder.window(input.layer);
    const mask = masks.get(window) ?? segmentMask(builder, segments!, window);
    masks.set(window, mask);
    return sequenceAttention(builder, decoder, input, mask);
  };
  const emission: Emission = { builder, weights, rotary, attend };
  let hidden = decoder.embed(emission, ids!, positions!);
  for (const index of options.layers ??
    Array.from({ length: decoder.layers }, (_, layer) => layer)) {
    hidden = decoder.layer(emission, index, hidden);
  }
  const rows = builder.reshape(hidden, ["batch * sequence", decoder.hiddenSize]);
  const chosen = builder.node("Gather", [rows, selected], { axis: 0 });
  return { builder, hidden, logits: decoder.head(emission, chosen), parameters };
}
