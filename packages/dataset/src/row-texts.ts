import type { RawRow } from "@postgrad/schema";

/**
 * The texts of a record that say what it is about: the turns of its conversation or of its prompt, chosen and rejected
 * sides, a document's text, the strings of any other row. One text each: nothing is compared across their borders.
 */
export function rowTexts(row: object): string[] {
  const { messages, prompt, chosen, rejected, text } = row as RawRow;
  if (messages !== undefined) return turnTexts(messages);
  if (chosen !== undefined || rejected !== undefined || prompt !== undefined) {
    return [prompt, chosen, rejected].flatMap(turnTexts);
  }
  if (typeof text === "string") return [text];
  return Object.entries(row)
    .filter(([key, value]) => typeof value === "string" && key !== "schema" && key !== "id")
    .map(([, value]) => value as string);
}

function turnTexts(side: unknown): string[] {
  if (typeof side === "string") return [side];
  if (!Array.isArray(side)) return [];
  return side.flatMap((turn: { content?: unknown } | null) =>
    typeof turn?.content === "string" ? [turn.content] : [],
  );
}
