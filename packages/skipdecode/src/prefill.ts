import type { KeyValueCache } from "./cache.ts";
import { aligned, columnsOf, type Flow, type Pass } from "./flow.ts";
import type { Network } from "./network.ts";
import { range } from "./schedule/layer-schedule.ts";

/** Where a pass is read: the network, and the cache that it joins. */
export interface Reading {
  readonly network: Network;
  readonly cache: KeyValueCache;
  /** Tokens (columns times rows) that go through at once; bounds the memory that attention takes. Default 512. */
  readonly chunk?: number;
  /** Asked before each chunk; the reading ends early where it says so. */
  readonly isAborted?: () => boolean;
}

/** How a prompt is read. */
export interface PrefillOptions extends Reading {
  /** Tokens of each row that are not in the cache yet; at least one each. */
  readonly sequences: readonly (readonly number[])[];
  /** Position of the first of them, by row. */
  readonly starts: readonly number[];
  readonly layers: readonly number[];
  /** Whether keys and values of a layer are read again after the prompt; default: all are. */
  readonly isKept?: (layer: number) => boolean;
}

/** Reads prompts of any lengths in one batch; returns the logits after the last token of each row, none when aborted. */
export async function prefill(options: PrefillOptions): Promise<Float32Array[]> {
  const { network, cache, sequences, starts, layers, isKept = () => true } = options;
  const pass = aligned(sequences, starts, "left");
  const end = columnCount(pass);
  const through = (flow: Flow, start: number): Promise<Flow> => {
    const isLast = start + columnCount(flow) === end;
    return network.through(flow, layers, cache, (layer) => !isLast || isKept(layer));
  };
  for await (const [flow, start] of chunks(options, pass, through)) {
    if (start + columnCount(flow) === end) return network.head(flow, lastPlaces(flow));
  }
  return [];
}

/**
 * Reads a pass chunk by chunk, each through the layers by `through`, and yields its flow at the top together with the
 * column that it begins at.
 */
export async function* chunks(
  { network, cache, chunk = 512, isAborted }: Reading,
  pass: Pass,
  through: (flow: Flow, start: number) => Promise<Flow>,
): AsyncGenerator<readonly [Flow, number], void, undefined> {
  const starts = startsOf(network, pass, chunk);
  for (const [i, start] of starts.entries()) {
    if (isAborted?.()) return;
    const part = columnsOf(pass, start, starts[i + 1] ?? columnCount(pass));
    const flow = await through(await network.embed(part, cache), start);
    cache.advance(part.positions);
    yield [flow, start];
  }
}

/** The places of the last column of a flow, row by row. */
export function lastPlaces({ positions }: Flow): number[] {
  const rows = positions.length;
  return range(0, rows).map((row) => (positions[0]!.length - 1) * rows + row);
}

const columnCount = ({ positions }: Pick<Pass, "positions">): number => positions[0]!.length;

/** Columns at which the chunks begin: one chunk where rotations depend on the length that is reached (longrope). */
function startsOf({ decoder }: Network, { positions }: Pass, tokens: number): number[] {
  const columns = positions[0]!.length;
  const step = Math.max(1, Math.floor(tokens / positions.length));
  const starts = range(0, Math.ceil(columns / step)).map((i) => i * step);
  const regime = (own: Int32Array): string =>
    decoder.rotaryRegime(own.reduce((most, position) => Math.max(most, position + 1), 0));
  const isOneRegime = positions.every((own) =>
    starts.every((start) => start === 0 || regime(own.subarray(0, start)) === regime(own)),
  );
  return isOneRegime ? starts : [0];
}
