import { type AnswerScore, bestScore, wholeWords, wordF1 } from "./answer-score.ts";
import { words } from "./whitespace.ts";

/**
 * Exact match and F1 of SQuAD's official script (version 2.0), for English. A question without answer accepts `[""]`; an
 * empty side scores 1 only against another empty one. Answers that normalize to nothing are passed over if others remain.
 */
export function squad(prediction: string, accepted: readonly string[]): AnswerScore {
  const predicted = normalizeSquad(prediction);
  const answers = accepted.filter((answer) => normalizeSquad(answer) !== "");
  return bestScore(answers.length > 0 ? answers : accepted, (answer) => {
    const gold = normalizeSquad(answer);
    const exact = predicted === gold ? 1 : 0;
    if (predicted === "" || gold === "") return { exact, f1: exact };
    return { exact, f1: wordF1(predicted.split(" "), gold.split(" ")) };
  });
}

/** A text without case, ASCII punctuation, English articles and extra white space. */
export const normalizeSquad = (text: string): string =>
  words(text.toLowerCase().replaceAll(asciiPunctuation, "").replaceAll(articles, " ")).join(" ");

const asciiPunctuation = /[!-/:-@[-`{-~]/g;
const articles = wholeWords("a|an|the");
