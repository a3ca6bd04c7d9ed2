/**
 * A set of byte strings. Expressions may be recursive (`rule`), so they describe what a pushdown automaton accepts; the
 * automaton works with them directly and compares them by identity.
 */
export type Expression =
  | { readonly kind: "byte"; readonly allowed: Uint8Array }
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "choice"; readonly options: readonly Expression[] }
  | Repeat
  | { readonly kind: "rule"; readonly of: () => Expression };

interface Repeat {
  readonly kind: "repeat";
  readonly body: Expression;
  readonly min: number;
  readonly max: number;
  /** What is left after one more `body`: the same object each time it is asked. */
  readonly rest: () => Expression;
}

/** The empty byte string. */
export const nothing: Expression = { kind: "sequence", parts: [] };

/** One byte of the ranges, both ends included. */
export function byteIn(...ranges: readonly (readonly [number, number])[]): Expression {
  const allowed = new Uint8Array(256);
  for (const [from, to] of ranges) allowed.fill(1, from, to + 1);
  return { kind: "byte", allowed };
}

/** One byte out of the ASCII characters of `characters`. */
export const oneOf = (characters: string): Expression =>
  byteIn(...Array.from(characters, (c) => [c.charCodeAt(0), c.charCodeAt(0)] as const));

/** Exactly the UTF-8 bytes of `text`. */
export const literal = (text: string): Expression =>
  sequence(...Array.from(new TextEncoder().encode(text), (byte) => byteIn([byte, byte])));

/** One after the other. */
export const sequence = (...parts: readonly Expression[]): Expression => ({
  kind: "sequence",
  parts,
});

/** Any one of them; none at all accepts nothing, not even the empty string. */
export const choice = (...options: readonly Expression[]): Expression => ({
  kind: "choice",
  options,
});

/** `body` at least `min` and at most `max` times. */
export function repeat(body: Expression, min: number, max: number = Infinity): Expression {
  if (max === 0) return nothing;
  let rest: Expression | undefined;
  const isLoop = min === 0 && max === Infinity;
  const self: Expression = {
    kind: "repeat",
    body,
    min,
    max,
    rest: () => (rest ??= isLoop ? self : repeat(body, Math.max(0, min - 1), max - 1)),
  };
  return self;
}

/** Once or not at all. */
export const optional = (body: Expression): Expression => choice(nothing, body);

/** What `make` gives, made when it is first needed: for recursion, and for grammars too large to write out. */
export function rule(make: () => Expression): Expression {
  let made: Expression | undefined;
  return { kind: "rule", of: () => (made ??= make()) };
}
