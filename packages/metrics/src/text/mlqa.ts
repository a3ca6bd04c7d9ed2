import { PostgradError } from "@postgrad/schema";

import { type AnswerScore, bestScore, wholeWords, wordF1 } from "./answer-score.ts";
import { words } from "./whitespace.ts";

/** The languages of MLQA. */
export type MlqaLanguage = "ar" | "de" | "en" | "es" | "hi" | "vi" | "zh";

/**
 * Exact match and F1 of MLQA's official script: SQuAD's, but with Unicode's punctuation, each language's articles, and
 * Chinese by character. For other languages (XQuAD's) the official script is {@link squad}.
 */
export function mlqa(
  prediction: string,
  accepted: readonly string[],
  language: MlqaLanguage,
): AnswerScore {
  const predicted = tokens(prediction, language);
  return bestScore(accepted, (answer) => {
    const gold = tokens(answer, language);
    return { exact: predicted.join(" ") === gold.join(" ") ? 1 : 0, f1: wordF1(predicted, gold) };
  });
}

function tokens(text: string, language: MlqaLanguage): string[] {
  if (!Object.hasOwn(articles, language))
    throw new PostgradError(
      "metrics/language",
      `MLQA has no language "${language}"; it has ${Object.keys(articles).join(", ")}; XQuAD's other languages are scored by squad()`,
    );
  const bare = text.toLowerCase().replaceAll(punctuation, "");
  const article = articles[language];
  const spaced = article ? bare.replaceAll(article, " ") : bare;
  return words(language === "zh" ? spaced.replaceAll(/[\u4e00-\u9fa5]/g, " $& ") : spaced);
}

const punctuation = /[\p{P}!-/:-@[-`{-~]/gu;

const articles: Record<MlqaLanguage, RegExp | undefined> = {
  ar: /ال/g, // wherever it stands: the script's rule for the start of a word cannot match
  de: wholeWords("ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des"),
  en: wholeWords("a|an|the"),
  es: wholeWords("un|una|unos|unas|el|la|los|las"),
  hi: undefined,
  vi: wholeWords("của|là|cái|chiếc|những"),
  zh: undefined,
};
