import type { Value } from "../graph/graph.ts";
import { type Activation, activations } from "../layers/activation.ts";
import { layerNorm } from "../layers/norm.ts";
import { ConfigReader } from "./config-reader.ts";
import { type Decoder, type Emission, type Family, type Linear, sizesOf } from "./decoder.ts";

/**
 * OPT: learned positions (stored from place 2 on), biases, ReLU, LayerNorm before each block; OPT-350M normalises after each
 * block instead, embeds in a narrower width, and has no final norm. Galactica is this with GELU.
 *
 * Source: transformers `models/opt/modeling_opt.py`; arXiv 2205.01068.
 */
export const opt: Family = {
  modelTypes: ["opt"],
  architecture: "OPTForCausalLM",
  decoder: (config) => decoder(readOptions(new ConfigReader(config))),
};

type Options = ReturnType<typeof readOptions>;
type Names = ReturnType<typeof layerNames>;

/** PyTorch's default, which OPT does not override. */
const epsilon = 1e-5;
/** The first two entries of the table of positions are unused. */
const positionOffset = 2;

const embedding = "model.decoder.embed_tokens.weight";
const positionTable = "model.decoder.embed_positions.weight";
const projectIn: Linear = { weight: "model.decoder.project_in.weight" };
const projectOut: Linear = { weight: "model.decoder.project_out.weight" };
const finalNorm = "model.decoder.final_layer_norm";

function readOptions(config: ConfigReader) {
  const hiddenSize = config.integer("hidden_size");
  const heads = config.integer("num_attention_heads");
  const normsBefore = config.boolean("do_layer_norm_before", true);
  const options = {
    vocabSize: config.integer("vocab_size"),
    hiddenSize,
    layers: config.integer("num_hidden_layers", undefined, 1, 10_000),
    heads,
    kvHeads: heads,
    headDim: config.quotient("hidden_size", hiddenSize, "num_attention_heads", heads),
    maxPositions: config.integer("max_position_embeddings", 2048),
    inner: config.integer("ffn_dim"),
    embeddingSize: config.integer("word_embed_proj_dim", hiddenSize),
    normsBefore,
    finalNorm: !config.boolean("_remove_final_layer_norm", false) && normsBefore,
    bias: config.boolean("enable_bias", true),
    activation: config.oneOf(
      "activation_function",
      Object.keys(activations) as Activation[],
      "relu",
    ),
    tied: config.boolean("tie_word_embeddings", true),
  };
  config.oneOf("layer_norm_elementwise_affine", [true], true);
  config.finish(["activation_dropout", "dropout", "init_std", "layerdrop"]);
  return options;
}

function decoder(options: Options): Decoder {
  const names = Array.from({ length: options.layers }, (_, index) => layerNames(options, index));
  const head = { weight: options.tied ? embedding : "lm_head.weight" };
  const projections = [
    ...names.flatMap(({ q, k, v, o, fc1, fc2 }) => [[q, k, v], [o], [fc1], [fc2]]),
    ...(options.embeddingSize === options.hiddenSize ? [] : [[projectOut]]),
    [head],
  ];
  return {
    ...sizesOf(options),
    family: "opt",
    tensors: tensorsOf(options, names),
    projections,
    linears: projections.flat(),
    rotaryDim: 0,
    window: () => undefined,
    rotaryTables: () => {
      throw new TypeError("OPT's positions are learned, not rotated");
    },
    rotaryRegime: () => "learned",
    embed: (emission, ids, positions) => embed(emission, options, ids, positions),
    layer: (emission, index, hidden) => through(emission, options, names[index]!, index, hidden),
    head: (emission, hidden) => logits(emission, options, head, hidden),
  };
}

function layerNames({ bias }: Options, index: number) {
  const prefix = `model.decoder.layers.${index}`;
  const linear = (name: string): Linear => ({
    weight: `${prefix}.${name}.weight`,
    bias: bias ? `${prefix}.${name}.bias` : undefined,
  });
  return {
    attentionNorm: `${prefix}.self_attn_layer_norm`,
    mlpNorm: `${prefix}.final_layer_norm`,
    q: linear("self_attn.q_proj"),
    k: linear("self_attn.k_proj"),
    v: linear("self_attn.v_proj"),
    o: linear("self_attn.out_proj"),
    fc1: linear("fc1"),
    fc2: linear("fc2"),
  };
}

function embed(
  { builder, weights }: Emission,
  options: Options,
  ids: Value,
  positions: Value,
): Value {
  const words = weights.rows(embedding, ids);
  const projected =
    options.embeddingSize === options.hiddenSize ? words : weights.linear(words, [projectIn])[0]!;
  const places = builder.add(positions, builder.constant("int64", positionOffset));
  return builder.add(projected, weights.rows(positionTable, places));
}

function through(
  emission: Emission,
  options: Options,
  names: Names,
  index: number,
  hidden: Value,
): Value {
  const { builder, weights } = emission;
  const attended = builder.within(`layers.${index}/attention`, () =>
    block(emission, options, names.attentionNorm, hidden, (x) => {
      const [q, key, value] = weights.linear(x, [names.q, names.k, names.v]);
      const query = builder.mul(q!, builder.constant("float32", options.headDim ** -0.5));
      const seen = emission.attend({ layer: index, query, key: key!, value: value! });
      return weights.linear(seen, [names.o])[0]!;
    }),
  );
  return builder.within(`layers.${index}/mlp`, () =>
    block(emission, options, names.mlpNorm, attended, (x) => {
      const inner = activations[options.activation](builder, weights.linear(x, [names.fc1])[0]!);
      return weights.linear(inner, [names.fc2])[0]!;
    }),
  );
}

/** x + f(norm(x)), or norm(x + f(x)) where norms come after. */
function block(
  emission: Emission,
  options: Options,
  norm: string,
  x: Value,
  f: (x: Value) => Value,
): Value {
  const normed = (value: Value): Value => layerNorm(emission, value, norm, epsilon);
  if (options.normsBefore) return emission.builder.add(x, f(normed(x)));
  return normed(emission.builder.add(x, f(x)));
}

function logits(emission: Emission, options: Options, head: Linear, hidden: Value): Value {
  const { weights } = emission;
  const normed = options.finalNorm ? layerNorm(emission, hidden, finalNorm, epsilon) : hidden;
  const projected =
    options.embeddingSize === options.hiddenSize
      ? normed
      : weights.linear(normed, [projectOut])[0]!;
  return weights.linear(projected, [head])[0]!;
}

function tensorsOf(
  options: Options,
  layers: readonly Names[],
): ReadonlyMap<string, readonly number[]> {
  const { vocabSize, hiddenSize, embeddingSize, inner } = options;
  const tensors = new Map<string, readonly number[]>([
    [embedding, [vocabSize, embeddingSize]],
    [positionTable, [options.maxPositions + positionOffset, hiddenSize]],
  ]);
  const linear = ({ weight, bias }: Linear, out: number, width: number): void => {
    tensors.set(weight, [out, width]);
    if (bias !== undefined) tensors.set(bias, [out]);
  };
  const norm = (name: string): void => {
    tensors.set(`${name}.weight`, [hiddenSize]).set(`${name}.bias`, [hiddenSize]);
  };
  if (embeddingSize !== hiddenSize) {
    linear(projectIn, hiddenSize, embeddingSize);
    linear(projectOut, embeddingSize, hiddenSize);
  }
  for (const names of layers) {
    norm(names.attentionNorm);
    for (const name of [names.q, names.k, names.v, names.o]) linear(name, hiddenSize, hiddenSize);
    norm(names.mlpNorm);
    linear(names.fc1, inner, hiddenSize);
    linear(names.fc2, hiddenSize, inner);
  }
  if (options.finalNorm) norm(finalNorm);
  if (!options.tied) tensors.set("lm_head.weight", [vocabSize, embeddingSize]);
  return tensors;
}
