// Scripts that are written without spaces: each of their letters is a token of its own.
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
const token = new RegExp(String.raw`[${unspaced}]\p{M}*|[[\p{L}\p{N}\p{M}]--[${unspaced}]]+`, "gv");

/**
 * The words of a text, in compatibility form (NFKC) and lower case, without punctuation. Where a script has no spaces
 * (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each letter counts as a word.
 */
export function tokens(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().match(token) ?? [];
}

/** A 32-bit hash of a token (FNV-1a over UTF-16 units, then mixed so that all bits depend on all). */
export function hashToken(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Spreads a 32-bit number over all 32 bits (the finaliser of MurmurHash3). */
export function mix(value: number): number {
  let word = value;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
