/**
 * The operations that losses are written in. A loss is one formula over them; it runs on float64 numbers with derivatives
 * (`dual.ts`) and on the values of a training graph alike.
 */
export interface Arithmetic<Number> {
  constant(value: number): Number;
  add(a: Number, b: Number): Number;
  sub(a: Number, b: Number): Number;
  mul(a: Number, b: Number): Number;
  div(a: Number, b: Number): Number;
  /** log(1 + exp(x)), without overflow. */
  softplus(x: Number): Number;
  /** max(x, 0); its derivative at 0 is 0. */
  relu(x: Number): Number;
}
