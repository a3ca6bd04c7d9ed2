import type { GraphBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/graph.ts";
import { activations } from "../layers/activation.ts";
import { rmsNorm } from "../layers/norm.ts";
import { rotate, type Rotary, rotaryRegime, rotaryTables } from "../layers/rotary.ts";
import { type Decoder, type Emission, type Linear, sizesOf } from "./decoder.ts";
import type { LlamaSizes } from "./llama-config.ts";

/** What distinguishes the families that share Llama's layout: RMSNorm, rotary positions, gated SiLU, no learned positions. */
export interface LlamaLikeOptions extends LlamaSizes {
  readonly family: string;
  readonly rotary: Rotary;
  /** The head is the transposed embedding. */
  readonly tied: boolean;
  readonly biases: { readonly qkv: boolean; readonly output: boolean; readonly mlp: boolean };
  /** RMSNorm on each head of queries and keys, before they are rotated (Qwen3). */
  readonly headNorm: boolean;
  /** q|k|v and gate|up are one tensor each (Phi-3). */
  readonly fused: boolean;
  /** The sliding window of each layer; undefined: none. */
  readonly windows: readonly (number | undefined)[];
}

const embedding = "model.embed_tokens.weight";

/** The decoder of a family with Llama's layout. */
export function llamaLike(options: LlamaLikeOptions): Decoder {
  const { family, rotary, windows } = options;
  const head = { weight: options.tied ? embedding : "lm_head.weight" };
  const layers = Array.from({ length: options.layers }, (_, index) => layerNames(options, index));
  const projections = [
    ...layers.flatMap(({ q, k, v, o, gate, up, down, qkv, gateUp }) =>
      options.fused ? [[qkv], [o], [gateUp], [down]] : [[q, k, v], [o], [gate, up], [down]],
    ),
    [head],
  ];
  return {
    ...sizesOf(options),
    family,
    tensors: tensorsOf(options, layers),
    projections,
    linears: projections.flat(),
    rotaryDim: rotary.dim,
    window: (layer) => windows[layer],
    rotaryTables: (builder: GraphBuilder, positions) => rotaryTables(builder, rotary, positions),
    rotaryRegime: (length) => rotaryRegime(rotary, length),
    embed: ({ weights }, ids) => weights.rows(embedding, ids),
    layer: (emission, index, hidden) => through(emission, options, layers[index]!, index, hidden),
    head: (emission, hidden) =>
      emission.weights.linear(rmsNorm(emission, hidden, "model.norm.weight", options.epsilon), [
        head,
      ])[0]!,
  };
}

type LayerNames = ReturnType<typeof layerNames>;

function layerNames({ biases }: LlamaLikeOptions, index: number) {
  const prefix = `model.layers.${index}`;
  const linear = (name: string, bias: boolean): Linear => ({
    weight: `${prefix}.${name}.weight`,
    bias: bias ? `${prefix}.${name}.bias` : undefined,
  });
  return {
    inputNorm: `${prefix}.input_layernorm.weight`,
    mlpNorm: `${prefix}.post_attention_layernorm.weight`,
    queryNorm: `${prefix}.self_attn.q_norm.weight`,
    keyNorm: `${prefix}.self_attn.k_norm.weight`,
    q: linear("self_attn.q_proj", biases.qkv),
    k: linear("self_attn.k_proj", biases.qkv),
    v: linear("self_attn.v_proj", biases.qkv),
    qkv: linear("self_attn.qkv_proj", biases.qkv),
    o: linear("self_attn.o_proj", biases.output),
    gate: linear("mlp.gate_proj", biases.mlp),
    up: linear("mlp.up_proj", biases.mlp),
    gateUp: linear("mlp.gate_up_proj", biases.mlp),
    down: linear("mlp.down_proj", biases.mlp),
  };
}

/** hidden + attention(norm(hidden)), then the same with the gated MLP. */
function through(
  emission: Emission,
  options: LlamaLikeOptions,
  names: LayerNames,
  index: number,
  hidden: Value,
): Value {
  const { builder, weights } = emission;
  const attended = builder.within(`layers.${index}/attention`, () => {
    const normed = rmsNorm(emission, hidden, names.inputNorm, options.epsilon);
    const seen = attention(emission, options, names, index, normed);
    return builder.add(hidden, weights.linear(seen, [names.o])[0]!);
  });
  return builder.within(`layers.${index}/mlp`, () => {
    const normed = rmsNorm(emission, attended, names.mlpNorm, options.epsilon);
    const [gate, up] = gateAndUp(emission, options, names, normed);
    const gated = builder.mul(activations.silu(builder, gate!), up!);
    return builder.add(attended, weights.linear(gated, [names.down])[0]!);
  });
}

function attention(
  emission: Emission,
  options: LlamaLikeOptions,
  names: LayerNames,
  layerIndex: number,
  normed: Value,
): Value {
  const { heads, kvHeads, headDim } = options;
  const { builder, rotary } = emission;
  const [q, k, value] = queryKeyValue(emission, options, names, normed);
  const normedQ = options.headNorm
    ? headNorm(emission, q!, names.queryNorm, headDim, options.epsilon)
    : q!;
  const normedK = options.headNorm
    ? headNorm(emission, k!, names.keyNorm, headDim, options.epsilon)
    : k!;
  const scale = builder.constant("float32", headDim ** -0.5);
  const query = builder.mul(rotate(builder, normedQ, heads, headDim, rotary!), scale);
  const key = rotate(builder, normedK, kvHeads, headDim, rotary!);
  return emission.attend({ layer: layerIndex, query, key, value: value! });
}

function queryKeyValue(
  { builder, weights }: Emission,
  { fused, heads, kvHeads, headDim }: LlamaLikeOptions,
  { qkv, q, k, v }: LayerNames,
  normed: Value,
): readonly Value[] {
  if (!fused) return weights.linear(normed, [q, k, v]);
  const lengths = [heads * headDim, kvHeads * headDim, kvHeads * headDim];
  return builder.split(weights.linear(normed, [qkv])[0]!, -1, lengths);
}

function gateAndUp(
  { builder, weights }: Emission,
  { fused, intermediateSize }: LlamaLikeOptions,
  { gateUp, gate, up }: LayerNames,
  normed: Value,
): readonly Value[] {
  if (!fused) return weights.linear(normed, [gate, up]);
  return builder.split(weights.linear(normed, [gateUp])[0]!, -1, [
    intermediateSize,
    intermediateSize,
  ]);
}

function headNorm(
  emission: Emission,
  x: Value,
  weight: string,
  headDim: number,
  epsilon: number,
): Value {
  const { builder } = emission;
  const [tokens, batch, width] = x.shape;
  const heads = builder.reshape(x, [tokens!, batch!, (width as number) / headDim, headDim]);
  return builder.reshape(rmsNorm(emission, heads, weight, epsilon), x.shape);
}

function tensorsOf(
  options: LlamaLikeOptions,
  layers: readonly LayerNames[],
): ReadonlyMap<string, readonly number[]> {
  const { vocabSize, hiddenSize, heads, kvHeads, headDim, intermediateSize, fused } = options;
  const tensors = new Map<string, readonly number[]>([[embedding, [vocabSize, hiddenSize]]]);
  const linear = ({ weight, bias }: Linear, out: number, width: number): void => {
    tensors.set(weight, [out, width]);
    if (bias !== undefined) tensors.set(bias, [out]);
  };
  for (const names of layers) {
    tensors.set(names.inputNorm, [hiddenSize]).set(names.mlpNorm, [hiddenSize]);
    if (options.headNorm) tensors.set(names.queryNorm, [headDim]).set(names.keyNorm, [headDim]);
    if (fused) {
      linear(names.qkv, (heads + 2 * kvHeads) * headDim, hiddenSize);
      linear(names.gateUp, 2 * intermediateSize, hiddenSize);
    } else {
      linear(names.q, heads * headDim, hiddenSize);
      linear(names.k, kvHeads * headDim, hiddenSize);
      linear(names.v, kvHeads * headDim, hiddenSize);
      linear(names.gate, intermediateSize, hiddenSize);
      linear(names.up, intermediateSize, hiddenSize);
    }
    linear(names.o, hiddenSize, heads * headDim);
    linear(names.down, hiddenSize, intermediateSize);
  }
  tensors.set("model.norm.weight", [hiddenSize]);
  if (!options.tied) tensors.set("lm_head.weight", [vocabSize, hiddenSize]);
  return tensors;
}
