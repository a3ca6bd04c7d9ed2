import type { Text } from "../step/text.ts";

/** What happens to rows past the greatest length: tokens are cut at the end, at the start, or the row is left out. */
export type Truncation = "end" | "start" | "drop";

/**
 * The texts of one row within `maxLength` tokens; the same object where nothing is cut, a reason to leave the row out where
 * nothing to learn remains. Both sides of a pair lose the same tokens at the start: they keep one prompt.
 */
export function truncated(
  texts: readonly Text[],
  { maxLength, truncate }: { readonly maxLength: number; readonly truncate: Truncation },
): readonly Text[] | string {
  const excess = Math.max(...texts.map(({ ids }) => ids.length)) - maxLength;
  if (excess <= 0) return texts;
  if (truncate === "drop") return "too long";
  const cut = texts.map((text) =>
    truncate === "end" ? keepStart(text, maxLength) : dropStart(text, excess),
  );
  return cut.some(({ scored }) => scored.length === 0) ? "no response left after truncation" : cut;
}

const keepStart = ({ ids, scored, promptLength }: Text, length: number): Text => ({
  ids: ids.slice(0, length),
  scored: scored.filter((index) => index < length),
  promptLength: Math.min(promptLength, length),
});

const dropStart = ({ ids, scored, promptLength }: Text, count: number): Text => ({
  ids: ids.slice(count),
  scored: scored.map((index) => index - count).filter((index) => index > 0),
  promptLength: Math.max(0, promptLength - count),
});
