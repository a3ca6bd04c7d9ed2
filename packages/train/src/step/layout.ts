import type { Text } from "./text.ts";

/** Where a text lies in a batch. */
export interface Placed {
  readonly text: Text;
  readonly row: number;
  /** The column of its first token. */
  readonly start: number;
}

/** Texts in rows. */
export interface Layout {
  readonly rows: number;
  /** Columns: the longest row. */
  readonly length: number;
  /** In the order in which the texts were given. */
  readonly placed: readonly Placed[];
}

/** Each text in a row of its own. */
export function oneTextARow(texts: readonly Text[]): Layout {
  const length = Math.max(...texts.map(({ ids }) => ids.length));
  return {
    rows: texts.length,
    length,
    placed: texts.map((text, row) => ({ text, row, start: 0 })),
  };
}

/**
 * Texts packed into as few rows as first-fit-decreasing finds, none longer than `capacity` or the longest text. Attention
 * does not cross texts.
 */
export function packed(texts: readonly Text[], capacity: number): Layout {
  const longest = Math.max(capacity, ...texts.map(({ ids }) => ids.length));
  const used: number[] = [];
  const places = new Map<Text, { readonly row: number; readonly start: number }>();
  for (const text of texts.toSorted((a, b) => b.ids.length - a.ids.length)) {
    const fitting = used.findIndex((length) => length + text.ids.length <= longest);
    const row = fitting === -1 ? used.length : fitting;
    const start = used[row] ?? 0;
    places.set(text, { row, start });
    used[row] = start + text.ids.length;
  }
  const placed = texts.map((text) => ({ text, ...places.get(text)! }));
  return { rows: used.length, length: Math.max(...used), placed };
}
