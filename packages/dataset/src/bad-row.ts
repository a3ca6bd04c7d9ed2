import { type Drop, PostgradError } from "@postgrad/schema";

/** What a reader or a step does with a row that it cannot use. */
export interface BadRowOptions {
  /** `stop` (the default) throws at the first bad row; `skip` hands it to `onDrop` and goes on. */
  readonly onBadRow?: "stop" | "skip" | undefined;
  /** Receives every row that leaves the stream. It is awaited, so that a slow side file holds the stream back. */
  readonly onDrop?: ((drop: Drop) => void | Promise<void>) | undefined;
}

/** Where a bad row was found, and as much of it as could be read. */
export interface BadRow {
  readonly file?: string;
  readonly line?: number;
  readonly row?: unknown;
}

/**
 * Deals with one bad row as the options say.
 *
 * @throws the error itself where the options say `stop`, and whatever is no `PostgradError` in any case: such an error is
 * a failure of the program and no property of the row.
 */
export async function refuseRow(
  error: unknown,
  bad: BadRow,
  { onBadRow = "stop", onDrop }: BadRowOptions,
): Promise<void> {
  if (onBadRow === "stop" || !(error instanceof PostgradError)) throw error;
  await onDrop?.(dropOf(error.code, error.message, bad));
}

/** The record of a row that leaves the stream. */
export function dropOf(code: string, reason: string, bad: BadRow = {}): Drop {
  return { schema: "drop/1", code, reason, ...bad };
}
