import type { Written } from "@postgrad/dataset";

import type { BadRows } from "./bad-rows.ts";
import type { Context } from "./command.ts";

/** Closes the side file and says what was written where, for a person or for a machine. */
export async function reportWritten(
  { output }: Context,
  { path, rows, bytes }: Written,
  { log, path: drops }: BadRows,
  more: Record<string, unknown> = {},
): Promise<void> {
  await log.close();
  const dropped = log.count > 0 ? `; ${log.count} rows left out, see ${drops}` : "";
  output.result(
    { path, rows, bytes, dropped: log.count, ...(log.count > 0 && { drops }), ...more },
    `${path}: ${rows} rows, ${bytes} bytes${dropped}`,
  );
}
