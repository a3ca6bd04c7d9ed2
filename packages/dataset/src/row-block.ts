import type { PostgradError } from "@postgrad/schema";

/** Consecutive rows of a file, as its format gives them, before anything is checked. */
export interface RowBlock {
  /** Line or row number of the first, from 1. */
  readonly first: number;
  /** What was found: a value, a row that could not be read, or nothing (a blank line). */
  readonly rows: readonly unknown[];
}

/** A row that its format could not read. */
export class UnreadableRow {
  readonly error: PostgradError;
  /** As much of it as is there. */
  readonly text: string | undefined;

  constructor(error: PostgradError, text?: string) {
    this.error = error;
    this.text = text;
  }
}
