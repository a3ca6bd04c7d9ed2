export { exportGraph } from "./export-graph.ts";
export {
  exportFiles,
  exportTransformersJs,
  type TransformersJsOptions,
} from "./transformers-js.ts";
export { writeOnnx } from "./write-onnx.ts";
