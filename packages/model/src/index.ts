export { type ChatOptions, type ChatTemplate, chatTemplate } from "./checkpoint/chat-template.ts";
export { Checkpoint, type TensorPlace } from "./checkpoint/checkpoint.ts";
export type { GenerationDefaults } from "./checkpoint/generation.ts";
export type { Tokenizer } from "./checkpoint/tokenizer.ts";
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
export type { Files, RandomAccessFile } from "./files/files.ts";
export { GraphBuilder, type NodeOptions } from "./graph/builder.ts";
export type { NumberList } from "./graph/constant.ts";
export { type DataType, dataTypes } from "./graph/data-type.ts";
export { broadcast, type Dimension, productOf, type Shape, sumOf } from "./graph/dimension.ts";
export type { Attribute, FileRange, Graph, Initializer, Node, Value } from "./graph/graph.ts";
export { type Form, positiveAxis } from "./graph/inference.ts";
export { withWeightsInside } from "./graph/inside.ts";
export { type OnnxModel, toOnnx } from "./graph/onnx.ts";
export type { HubOptions } from "./hub/hub-options.ts";
export { hiddenScore } from "./layers/mask.ts";
export { openCheckpoint, type OpenOptions } from "./open-checkpoint.ts";
export { type TensorToWrite, writeSafetensors } from "./safetensors/write.ts";
export { type SequenceGraph, sequenceGraph, type SequenceOptions } from "./sequence.ts";
export { loadWeights } from "./weights/load-weights.ts";
export { type StoredTensor, storedWeights } from "./weights/stored.ts";
export { trainedWeights } from "./weights/trained.ts";
export { type WeightFormat, weightFormats, type WeightOptions } from "./weights/weight-format.ts";
