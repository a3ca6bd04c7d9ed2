import { PostgradError, type Random, random } from "@postgrad/schema";

import type { Transform } from "./stream.ts";

/** Lets each row pass with chance `share`, drawn under `seed`. */
export function sampleShare<Row>(share: number, seed: number | string = 0): Transform<Row> {
  if (!(share >= 0 && share <= 1))
    throw new PostgradError("dataset/share", `share: found ${share}, expected 0 to 1`);
  return async function* (rows) {
    const draw = random(`sample/${seed}`);
    for await (const row of rows) if (draw() < share) yield row;
  };
}

/**
 * `count` rows, each set of them equally likely, in the order they came in. Keeps `count` rows in memory.
 *
 * Source: Vitter, "Random sampling with a reservoir" (1985), algorithm R.
 */
export function sampleCount<Row>(count: number, seed: number | string = 0): Transform<Row> {
  return async function* (rows) {
    const draw = random(`reservoir/${seed}`);
    const kept: { at: number; row: Row }[] = [];
    let at = 0;
    for await (const row of rows) {
      if (kept.length < count) kept.push({ at, row });
      else {
        const place = Math.floor(draw() * (at + 1));
        if (place < count) kept[place] = { at, row };
      }
      at += 1;
    }
    for (const { row } of kept.toSorted((a, b) => a.at - b.at)) yield row;
  };
}

/**
 * Mixes the order with a buffer of `buffer` rows (10,000): each row that leaves is drawn from it, and the next one takes
 * its place. A whole shuffle where the buffer holds all rows.
 */
export function shuffle<Row>({
  buffer = 10_000,
  seed = 0,
}: { buffer?: number; seed?: number | string } = {}): Transform<Row> {
  return async function* (rows) {
    const draw = random(`shuffle/${seed}`);
    const held: Row[] = [];
    for await (const row of rows) {
      held.push(row);
      if (held.length > buffer) yield takeOne(held, draw);
    }
    while (held.length > 0) yield takeOne(held, draw);
  };
}

function takeOne<Row>(held: Row[], draw: Random): Row {
  const place = Math.floor(draw() * held.length);
  const row = held[place]!;
  const last = held.pop()!;
  if (place < held.length) held[place] = last;
  return row;
}
