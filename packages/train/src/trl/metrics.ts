import { open, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** One line of `metrics.jsonl`: the step, and TRL's names with their numbers (`null` where one was not finite). */
export type StepMetrics = { readonly step: number } & Readonly<Record<string, number | null>>;

/**
 * The lines that are appended to `file`, which need not be there yet, until `signal` aborts; what was written by then still
 * comes. Looks every `interval` milliseconds: file watchers see nothing on network file systems.
 */
export async function* follow(
  file: string,
  signal: AbortSignal,
  interval = 500,
): AsyncGenerator<StepMetrics> {
  let [offset, rest] = [await sizeOf(file), ""];
  for (;;) {
    const isLast = signal.aborted;
    const { text, end } = await readFrom(file, offset);
    offset = end;
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines.flatMap(parsed);
    if (isLast) return;
    await delay(interval, undefined, { signal }).catch(() => {});
  }
}

/** The last line of each step, in order of steps: a resumed run has done some steps twice. */
export async function mergedMetrics(file: string): Promise<StepMetrics[]> {
  const text = await readFile(file, "utf8").catch(emptyIfMissing);
  const steps = new Map(
    text
      .split("\n")
      .flatMap(parsed)
      .map((line) => [line.step, line]),
  );
  return [...steps.values()].toSorted((a, b) => a.step - b.step);
}

/** A line, or nothing where a killed process left half of one. */
function parsed(line: string): StepMetrics[] {
  try {
    return [JSON.parse(line) as StepMetrics];
  } catch {
    return [];
  }
}

async function readFrom(file: string, start: number): Promise<{ text: string; end: number }> {
  const size = await sizeOf(file);
  if (size <= start) return { text: "", end: start };
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(size - start),
    position: start,
  });
  // Numbers and names are ASCII, so that no character can be cut in two.
  return { text: buffer.toString("utf8", 0, bytesRead), end: start + bytesRead };
}

async function sizeOf(file: string): Promise<number> {
  try {
    await using handle = await open(file, "r");
    return (await handle.stat()).size;
  } catch (error) {
    return emptyIfMissing(error).length;
  }
}

function emptyIfMissing(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
  throw error;
}
