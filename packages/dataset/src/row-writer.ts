/** Where rows go. Nothing is seen at the target before `close`. */
export interface RowWriter<Row = unknown> {
  /** Takes one row. Where it returns a promise, wait for it before the next: that is the back-pressure. */
  write(row: Row): Promise<void> | undefined;
  /** Publishes everything at once. */
  close(): Promise<Written>;
  /** Throws away what was written; the target stays as it was. */
  discard(): Promise<void>;
  /** Discards what was not closed: `await using writer = await openWriter(path)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What was written. */
export interface Written {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}
