import { words } from "./whitespace.ts";

/** What Tercom does to a text before it is split at white space. */
export interface TercomOptions {
  /** Whether punctuation is split off, lines are joined and four entities unescaped. Default false. */
  readonly normalized?: boolean;
  /** Whether punctuation is removed. Default false. */
  readonly noPunctuation?: boolean;
  /** Whether the two above know Chinese and Japanese: each character alone, full-width marks too. Default false. */
  readonly asianSupport?: boolean;
  /** Whether case counts. Default false. */
  readonly caseSensitive?: boolean;
}

/** Tercom's tokens of a text (its `Normalizer.java`, by way of sacreBLEU). */
export function tercomTokens(text: string, options: TercomOptions): string[] {
  let line = options.caseSensitive ? text : text.toLowerCase();
  if (options.normalized) line = separatePunctuation(line);
  if (options.normalized && options.asianSupport) line = separateAsian(line);
  if (options.noPunctuation) line = line.replaceAll(/[.,?:;!"()]/gu, "");
  if (options.noPunctuation && options.asianSupport) line = line.replaceAll(asianMarks, "");
  return words(line);
}

const separatePunctuation = (text: string): string =>
  ` ${unescape(text)} `
    .replaceAll(/([{-~[-` -&(-+:-@/])/gu, " $1 ")
    .replaceAll("'s ", " 's ")
    .replaceAll(/([^0-9])([.,])/gu, "$1 $2 ")
    .replaceAll(/([.,])([^0-9])/gu, " $1 $2")
    .replaceAll(/([0-9])(-)/gu, "$1 $2 ");

const unescape = (text: string): string =>
  text
    .replaceAll("\n-", "")
    .replaceAll("\n", " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">");

// Ideographs, strokes and radicals, compatibility forms. The last range is as wide in sacreBLEU, which means enclosed
// letters by it. Tercom's rules for runs of kana apply at the start of a line only, where a space stands: they do nothing.
const separateAsian = (text: string): string =>
  text
    .replaceAll(/[\u4e00-\u9fff\u3400-\u4dbf]/gu, " $& ")
    .replaceAll(/[\u31c0-\u31ef\u2e80-\u2eff]/gu, " $& ")
    .replaceAll(/[\u3300-\u33ff\uf900-\ufaff\ufe30-\ufe4f]/gu, " $& ")
    .replaceAll(/[\u3200-\u3f22]/gu, " $& ")
    .replaceAll(asianMarks, " $& ");

const asianMarks =
  /[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]/gu;
