import { byteIn, choice, type Expression, literal, sequence } from "./expression.ts";

/** Ranges of code points, both ends included. */
export type CodePoints = readonly (readonly [number, number])[];

/** All code points but these. */
export function without(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [low, high] of set.toSorted((a, b) => a[0] - b[0])) {
    if (low > from) rest.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= 0x10ffff) rest.push([from, 0x10ffff]);
  return rest;
}

/** One character of the set as it is written in a JSON string. */
export function charactersIn(set: CodePoints): Expression {
  const has = (point: number): boolean => set.some(([low, high]) => point >= low && point <= high);
  const escaped = [...Array.from({ length: 0x20 }, (_, control) => control), 0x22, 0x5c]
    .filter(has)
    .map((point) => literal(JSON.stringify(String.fromCodePoint(point)).slice(1, -1)));
  const plain = set.flatMap(([low, high]) =>
    written.flatMap(([from, to]) => {
      const [a, b] = [Math.max(low, from), Math.min(high, to)];
      return a <= b ? [bytesBetween(utf8(a), utf8(b))] : [];
    }),
  );
  return choice(...escaped, ...plain);
}

/** What a JSON string holds unescaped, in pieces whose code points take the same number of bytes. */
const written: CodePoints = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

const utf8 = (point: number): number[] => [
  ...new TextEncoder().encode(String.fromCodePoint(point)),
];

/** Byte strings of one length, from `low` to `high`; all bytes but the first are continuations. */
function bytesBetween(low: readonly number[], high: readonly number[]): Expression {
  const [first = 0, ...a] = low;
  const [last = 0, ...b] = high;
  if (a.length === 0) return byteIn([first, last]);
  if (first === last) return sequence(byteIn([first, first]), bytesBetween(a, b));
  const lowest = a.map(() => 0x80);
  const highest = a.map(() => 0xbf);
  const start = a.every((byte) => byte === 0x80) ? first : first + 1;
  const end = b.every((byte) => byte === 0xbf) ? last : last - 1;
  const options: Expression[] = [];
  if (start > first) options.push(sequence(byteIn([first, first]), bytesBetween(a, highest)));
  if (start <= end) options.push(sequence(byteIn([start, end]), bytesBetween(lowest, highest)));
  if (end < last) options.push(sequence(byteIn([last, last]), bytesBetween(lowest, b)));
  return choice(...options);
}
