import type { Emission } from "../families/decoder.ts";
import type { Value } from "../graph/graph.ts";

/** RMSNorm over the last axis: x / sqrt(mean(x²) + epsilon) * weight. */
export function rmsNorm(
  { builder, weights }: Emission,
  x: Value,
  weight: string,
  epsilon: number,
): Value {
  const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
  return builder.node("SimplifiedLayerNormalization", [x, weights.tensor(weight)], attributes);
}

/** LayerNorm over the last axis with weight and bias. */
export function layerNorm(
  { builder, weights }: Emission,
  x: Value,
  prefix: string,
  epsilon: number,
): Value {
  const inputs = [x, weights.tensor(`${prefix}.weight`), weights.tensor(`${prefix}.bias`)];
  return builder.node("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } });
}
