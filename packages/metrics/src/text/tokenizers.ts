import { PostgradError } from "@postgrad/schema";

import { strip, words } from "./whitespace.ts";

/** Splits a segment into tokens; `name` goes into the signature. White space in and between tokens is dropped. */
export interface Tokenizer {
  readonly name: string;
  readonly tokenize: (segment: string) => string[];
}

/** The tokenizers of sacreBLEU that are computed here. */
export type TokenizerName = "13a" | "intl" | "zh" | "char" | "none";

/** The tokenizer of that name, or the one given. Throws `metrics/tokenizer` with the remedy for one that is not here. */
export function tokenizerOf(tokenizer: TokenizerName | Tokenizer): Tokenizer {
  if (typeof tokenizer !== "string")
    return { ...tokenizer, tokenize: (segment) => tokenizer.tokenize(segment).flatMap(words) };
  const tokenize = tokenizers[tokenizer];
  if (!tokenize) throw unknownTokenizer(tokenizer);
  return { name: tokenizer, tokenize };
}

const tokenizers: Record<string, (segment: string) => string[]> = {
  "13a": (segment) => western(` ${unescape(segment)} `),
  intl: international,
  zh: chinese,
  char: (segment) => Array.from(segment).flatMap(words),
  none: words,
};

/** mteval-v13a.pl, the tokenization of WMT: lines are joined and four entities unescaped. */
const unescape = (segment: string): string =>
  segment
    .replaceAll("<skipped>", "")
    .replaceAll("-\n", "")
    .replaceAll("\n", " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">");

/** Punctuation stands alone, but for full stop, comma and dash between digits. */
const western = (segment: string): string[] =>
  words(
    segment
      .replaceAll(/([{-~[-` -&(-+:-@/])/gu, " $1 ")
      .replaceAll(/([^0-9])([.,])/gu, "$1 $2 ")
      .replaceAll(/([.,])([^0-9])/gu, " $1 $2")
      .replaceAll(/([0-9])(-)/gu, "$1 $2 "),
  );

/** mteval-v14.pl: every Unicode punctuation stands alone unless it is between digits, and every symbol. */
function international(segment: string): string[] {
  return words(
    segment
      .replaceAll(/(\P{N})(\p{P})/gu, "$1 $2 ")
      .replaceAll(/(\p{P})(\P{N})/gu, " $1 $2")
      .replaceAll(/(\p{S})/gu, " $1 "),
  );
}

/** Every Chinese character stands alone; the rest is split as Western text. */
function chinese(segment: string): string[] {
  return western(strip(segment).replaceAll(ideographs, " $& "));
}

// The ranges of sacreBLEU's table as Python compares them. Two of its entries name supplementary planes with a four-digit
// escape and so mean U+2001 to U+2A6D and U+2F81 to U+2FA1; its figures count such characters (curly quotes, dashes,
// arrows) as Chinese and those of the supplementary planes not, and so do ours.
const ideographs =
  /[\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef]/gu;

const needsDictionary = ["ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K"];

function unknownTokenizer(name: string): PostgradError {
  const known = Object.keys(tokenizers).join(", ");
  return new PostgradError(
    "metrics/tokenizer",
    needsDictionary.includes(name)
      ? `the tokenizer "${name}" needs a dictionary or a model that this package does not carry; give { name, tokenize } with a real one, or use one of ${known}`
      : `there is no tokenizer "${name}"; there are ${known}, and { name, tokenize } for your own`,
  );
}
