import type { GraphBuilder, Value } from "@postgrad/model";

import { summedTo } from "../broadcast.ts";
import type { GradientRule } from "../rule.ts";

/** Mean over the last axis, kept with length 1. */
const mean = (builder: GraphBuilder, x: Value): Value => builder.reduce("ReduceMean", x, [-1]);

/**
 * RMSNorm, y = x r w with r = 1 / sqrt(mean(x²) + epsilon):
 *
 *     dx = r (g w) - x r³ mean(g w x)        dw = sum over rows of g x r
 */
const rmsNorm: GradientRule = ({ builder, node, gradients, wanted }) => {
  const [x, weight] = node.inputs as readonly [Value, Value];
  const g = gradients[0]!;
  const reduced = { type: x.type, shape: [...x.shape.slice(0, -1), 1] };
  const [, inverse] = builder.extended(node.outputs[0]!, [x, reduced]);
  const weighted = builder.mul(g, weight);
  const byX = (): Value => {
    const along = mean(builder, builder.mul(weighted, x));
    const cube = builder.mul(inverse!, builder.mul(inverse!, inverse!));
    const back = builder.mul(x, builder.mul(along, cube));
    return builder.sub(builder.mul(weighted, inverse!), back);
  };
  const byWeight = (): Value =>
    summedTo(builder, builder.mul(builder.mul(g, x), inverse!), weight.shape);
  return [wanted(0) ? byX() : undefined, wanted(1) ? byWeight() : undefined];
};

/**
 * LayerNorm, y = n w + b with n = (x - m) r, u = g w:
 *
 *     dx = r (u - mean(u) - n mean(u n))     dw = sum of g n     db = sum of g
 */
const layerNorm: GradientRule = ({ builder, node, gradients, wanted }) => {
  const [x, weight, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const g = gradients[0]!;
  const reduced = { type: x.type, shape: [...x.shape.slice(0, -1), 1] };
  const [, center, inverse] = builder.extended(node.outputs[0]!, [x, reduced, reduced]);
  const normed = builder.mul(builder.sub(x, center!), inverse!);
  const byX = (): Value => {
    const weighted = builder.mul(g, weight);
    const along = builder.mul(normed, mean(builder, builder.mul(weighted, normed)));
    const off = builder.sub(builder.sub(weighted, mean(builder, weighted)), along);
    return builder.mul(off, inverse!);
  };
  return [
    wanted(0) ? byX() : undefined,
    wanted(1) ? summedTo(builder, builder.mul(g, normed), weight.shape) : undefined,
    bias && wanted(2) ? summedTo(builder, g, bias.shape) : undefined,
  ];
};

/** Norms over the last axis. The forward pass hands over the statistics that it computes anyhow. */
export const normalizationRules: Readonly<Record<string, GradientRule>> = {
  SimplifiedLayerNormalization: rmsNorm,
  LayerNormalization: layerNorm,
};
