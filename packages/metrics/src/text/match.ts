/** What an exact match overlooks; nothing by default. */
export interface MatchOptions {
  /** Case. */
  readonly ignoreCase?: boolean;
  /** Punctuation of every script. */
  readonly ignorePunctuation?: boolean;
  /** White space at the ends, and how much of it there is between words. */
  readonly ignoreSpacing?: boolean;
}

/** Whether `prediction` is one of `accepted`. Both are compared in Unicode's NFC, so that é is é however it is written. */
export function exactMatch(
  prediction: string,
  accepted: readonly string[],
  options: MatchOptions = {},
): boolean {
  const wanted = normalize(prediction, options);
  return accepted.some((answer) => normalize(answer, options) === wanted);
}

function normalize(text: string, options: MatchOptions): string {
  let normal = text.normalize("NFC");
  if (options.ignoreCase) normal = normal.toLowerCase();
  if (options.ignorePunctuation) normal = normal.replaceAll(/\p{P}/gu, "");
  if (options.ignoreSpacing) normal = normal.trim().replaceAll(/\s+/g, " ");
  return normal;
}

/** The counts behind an accuracy. Nothing is scored silently: what has no answer or no gold stands apart. */
export interface Tally {
  readonly right: number;
  readonly wrong: number;
  /** No answer could be found in the reply: it counts as not right, and lowers `formatOk`. */
  readonly unanswered: number;
  /** There was no gold, or no verdict: it counts in nothing. */
  readonly unscored: number;
  /** right / (right + wrong + unanswered); NaN where there is nothing to count. */
  readonly accuracy: number;
  /** The share of counted replies in which an answer was found; NaN where there is nothing to count. */
  readonly formatOk: number;
}

/** Counts verdicts. */
export function tally(verdicts: Iterable<"right" | "wrong" | "unanswered" | "unscored">): Tally {
  const counts = { right: 0, wrong: 0, unanswered: 0, unscored: 0 };
  for (const verdict of verdicts) counts[verdict]++;
  const answered = counts.right + counts.wrong;
  const counted = answered + counts.unanswered;
  return { ...counts, accuracy: counts.right / counted, formatOk: answered / counted };
}
