/** Settings of AdamW; the learning rate comes with each step, from its schedule. */
export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled decay: each step takes lr * weightDecay of every weight, norms and biases included, as in PyTorch. */
  readonly weightDecay: number;
}

/** Running means of the gradient and of its square, for one tensor. */
export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Blank moments for a tensor of `size` elements. */
export const blankMoments = (size: number): Moments => ({
  first: new Float32Array(size),
  second: new Float32Array(size),
});

/** What one step needs beside the options. */
export interface AdamWStep extends AdamWOptions {
  readonly learningRate: number;
  /** The step's number, from 1. */
  readonly step: number;
  /** Multiplies the gradient: what clipping leaves of it. */
  readonly scale: number;
}

/**
 * One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101), in place, with bias correction:
 *
 *     m = b1 m + (1 - b1) g        v = b2 v + (1 - b2) g²
 *     w = (1 - lr decay) w - lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + epsilon)
 */
export function adamW(
  weights: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  { beta1, beta2, epsilon, weightDecay, learningRate, step, scale }: AdamWStep,
): void {
  const kept = 1 - learningRate * weightDecay;
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i]! * scale;
    const m = beta1 * first[i]! + rest1 * g;
    const v = beta2 * second[i]! + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] = kept * weights[i]! - (stepSize * m) / (Math.sqrt(v) * correction + epsilon);
  }
}
