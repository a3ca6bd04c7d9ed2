import { type Decoder, decoderOf, storedWeights, type WeightSource } from "@postgrad/model";
import { random } from "@postgrad/schema";

/** A checkpoint that an engine can be opened from. */
export interface Checkpoint {
  readonly decoder: Decoder;
  readonly weights: WeightSource;
}

/** A Llama of random weights: 6 layers, width 32, 2 heads of keys and values for 4 of queries. */
export function tinyLlama(
  change: Readonly<Record<string, unknown>> = {},
  seed = 1,
  zero?: RegExp,
): Checkpoint {
  return randomCheckpoint(
    {
      model_type: "llama",
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 6,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 64,
      max_position_embeddings: 128,
      ...change,
    },
    seed,
    zero,
  );
}

/** Random weights for a configuration: matrices that neither die out nor explode over the layers, norms near 1; those that `zero` names are 0. */
export function randomCheckpoint(
  config: Readonly<Record<string, unknown>>,
  seed: number,
  zero?: RegExp,
): Checkpoint {
  const decoder = decoderOf(config);
  const tensors = new Map(
    [...decoder.tensors].map(([name, shape]) => {
      const next = random(`${seed}/${name}`);
      const size = shape.reduce((product, length) => product * length, 1);
      const isNorm = shape.length === 1 && name.endsWith("weight");
      const scale = shape.length === 1 ? 0.1 : 2 / Math.sqrt(shape[1]!);
      const spread = zero?.test(name) ? 0 : scale;
      const data = Float32Array.from(
        { length: size },
        () => Number(isNorm) + (2 * next() - 1) * spread,
      );
      return [name, new Uint8Array(data.buffer)];
    }),
  );
  const weights = storedWeights(decoder, (name) => ({ type: "float32", data: tensors.get(name)! }));
  return { decoder, weights };
}
