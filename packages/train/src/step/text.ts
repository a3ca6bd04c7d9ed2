/** One token sequence with the places that the loss looks at. */
export interface Text {
  readonly ids: readonly number[];
  /** Indices of `ids` that are predicted and count, ascending, none of them 0: the response's tokens. */
  readonly scored: readonly number[];
  /** Tokens before the first response: positions that a skip schedule leaves at full depth. */
  readonly promptLength: number;
}

/** One example of a step: a text, or the two sides of a pair. */
export type TextRow = readonly [Text] | readonly [chosen: Text, rejected: Text];
