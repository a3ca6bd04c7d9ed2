/**
 * What may follow in a row, as a state that never changes: `next` gives the state after a token. So a draft can be taken
 * back, and rows can share a grammar.
 */
export interface TokenConstraint {
  /** Sets to -Infinity the logits of all tokens that may not follow here, end tokens included. Leaves at least one. */
  mask(logits: Float32Array): void;
  /** The state after `token`, which `mask` left in. */
  next(token: number): TokenConstraint;
  /** Nothing may follow: the row ends with reason `stop`. */
  readonly complete: boolean;
}
