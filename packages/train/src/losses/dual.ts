import type { Arithmetic } from "./arithmetic.ts";

/** A float64 number with its derivatives with respect to some chosen inputs. */
export interface Dual {
  readonly value: number;
  readonly derivatives: readonly number[];
}

/** Forward-mode differentiation over `inputs` numbers of interest: exact to rounding, for checks and reports. */
export function dualArithmetic(inputs: number): Arithmetic<Dual> {
  /** f(a, b) by the chain rule, given both partial derivatives. */
  const chain = (value: number, a: Dual, byA: number, b: Dual, byB: number): Dual => ({
    value,
    derivatives: a.derivatives.map((slope, i) => byA * slope + byB * b.derivatives[i]!),
  });
  const through = (value: number, x: Dual, slope: number): Dual => ({
    value,
    derivatives: x.derivatives.map((inner) => slope * inner),
  });
  return {
    constant: (value) => ({ value, derivatives: Array.from({ length: inputs }, () => 0) }),
    add: (a, b) => chain(a.value + b.value, a, 1, b, 1),
    sub: (a, b) => chain(a.value - b.value, a, 1, b, -1),
    mul: (a, b) => chain(a.value * b.value, a, b.value, b, a.value),
    div: (a, b) => chain(a.value / b.value, a, 1 / b.value, b, -a.value / b.value ** 2),
    softplus: (x) => through(softplus(x.value), x, sigmoid(x.value)),
    relu: (x) => (x.value > 0 ? x : through(0, x, 0)),
  };
}

/** The `index`-th of `inputs` numbers that derivatives are taken of. */
export function variable(value: number, index: number, inputs: number): Dual {
  return { value, derivatives: Array.from({ length: inputs }, (_, i) => (i === index ? 1 : 0)) };
}

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** 1 / (1 + exp(-x)), accurate far out on both sides. */
const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
