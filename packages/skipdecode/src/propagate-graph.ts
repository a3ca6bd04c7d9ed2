import {
  type AttentionInput,
  type Decoder,
  type Graph,
  GraphBuilder,
  type Value,
  type WeightSource,
} from "@postgrad/model";

/**
 * Keys and values that a layer makes of hidden states, and nothing else of it: CALM gives them to the layers above an exit.
 *
 * - in: `hidden`, and with rotary positions `cos` and `sin`, as in the model's `layersGraph`
 * - out: `key.N`, `value.N` [tokens, batch, kvHeads, headDim]
 */
export function propagateGraph(decoder: Decoder, source: WeightSource, layer: number): Graph {
  const { hiddenSize, rotaryDim, kvHeads, headDim } = decoder;
  const builder = new GraphBuilder(`keys and values of layer ${layer}`);
  const hidden = builder.input("hidden", "float32", ["tokens", "batch", hiddenSize]);
  const table = (name: string): Value =>
    builder.input(name, "float32", ["tokens", "batch", rotaryDim / 2]);
  const rotary = rotaryDim > 0 ? { cos: table("cos"), sin: table("sin") } : undefined;
  const reached = new Error("attention is as far as this graph goes");
  const attend = ({ key, value }: AttentionInput): Value => {
    const shape = ["tokens", "batch", kvHeads, headDim];
    builder.output(`key.${layer}`, builder.reshape(key, shape));
    builder.output(`value.${layer}`, builder.reshape(value, shape));
    throw reached;
  };
  try {
    decoder.layer({ builder, weights: source(builder), rotary, attend }, layer, hidden);
  } catch (error) {
    if (error !== reached) throw error;
  }
  return builder.finish();
}
