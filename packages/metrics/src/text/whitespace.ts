// White space as Python has it, for the reference implementations are Python: JavaScript's `\s` and `trim` lack the
// separators U+001C to U+001F and U+0085, and take the byte order mark U+FEFF for a space.
const space =
  "\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const gap = new RegExp(`[${space}]+`, "u");
const start = new RegExp(`^[${space}]+`, "u");
const isSpace = new RegExp(`^[${space}]$`, "u");

/** The runs of `text` between white space: Python's `text.split()`. */
export const words = (text: string): string[] => text.split(gap).filter((word) => word !== "");

/** `text` without the white space at both ends: Python's `text.strip()`. */
export const strip = (text: string): string => stripEnd(text.replace(start, ""));

/** `text` without the white space at its end: Python's `text.rstrip()`. */
export function stripEnd(text: string): string {
  let end = text.length; // a loop, because /[ ]+$/ takes quadratic time on long runs of spaces
  while (end > 0 && isSpace.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}
