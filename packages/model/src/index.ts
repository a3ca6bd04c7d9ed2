export {
  embedGraph,
  headGraph,
  type LayerRange,
  layersGraph,
  maskName,
  type WeightSource,
} from "./decode.ts";
export type {
  AttentionInput,
  Decoder,
  DecoderSizes,
  Emission,
  Family,
  Linear,
  RotaryTables,
  Weights,
} from "./families/decoder.ts";
export { decoderOf, families } from "./families/index.ts";
export { GraphBuilder, type NodeOptions } from "./graph/builder.ts";
export type { NumberList } from "./graph/constant.ts";
export { type DataType, dataTypes } from "./graph/data-type.ts";
export { broadcast, type Dimension, productOf, type Shape, sumOf } from "./graph/dimension.ts";
export type { Attribute, FileRange, Graph, Initializer, Node, Value } from "./graph/graph.ts";
export { type Form, positiveAxis } from "./graph/inference.ts";
export { type OnnxModel, toOnnx } from "./graph/onnx.ts";
export { hiddenScore } from "./layers/mask.ts";
export { type SequenceGraph, sequenceGraph, type SequenceOptions } from "./sequence.ts";
export { type StoredTensor, storedWeights } from "./weights/stored.ts";
export { trainedWeights } from "./weights/trained.ts";
