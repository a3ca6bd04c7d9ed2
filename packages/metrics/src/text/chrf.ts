import { type CorpusMetric, corpusMetric } from "./corpus-metric.ts";
import { characterNgrams, type Counts, overlap, tokenNgrams, total } from "./n-grams.ts";
import { words } from "./whitespace.ts";

/** The options of chrF; the defaults are sacreBLEU's. */
export interface ChrfOptions {
  /** The longest character n-gram. Default 6. */
  readonly characterOrder?: number;
  /** The longest word n-gram. Default 0; 2 makes it chrF++. */
  readonly wordOrder?: number;
  /** How many times recall weighs more than precision. Default 2. */
  readonly beta?: number;
  /** Whether case is ignored. Default false. */
  readonly lowercase?: boolean;
  /** Whether white space is a character like others. Default false. */
  readonly whitespace?: boolean;
  /** Averages the F of every order, as chrF++.py, NLTK and Moses do, instead of precision and recall. Default false. */
  readonly epsilonSmoothing?: boolean;
}

/** A chrF score, 0 to 100. */
export interface ChrfScore {
  readonly score: number;
}

/**
 * chrF (Popović, 2015) and, with `wordOrder: 2`, chrF++ (2017), equal to sacreBLEU's figures. A segment's row: for each
 * order the n-grams of the hypothesis, of the reference with the best F, and of both.
 */
export function chrf(options: ChrfOptions = {}): CorpusMetric<ChrfScore> {
  const settings = {
    characterOrder: 6,
    wordOrder: 0,
    beta: 2,
    lowercase: false,
    whitespace: false,
    epsilonSmoothing: false,
    ...options,
  };
  const { characterOrder, wordOrder, beta, lowercase, whitespace, epsilonSmoothing } = settings;
  return corpusMetric({
    name: `chrF${beta}${"+".repeat(wordOrder)}`,
    signature: {
      case: lowercase ? "lc" : "mixed",
      eff: epsilonSmoothing ? "no" : "yes",
      nc: characterOrder,
      nw: wordOrder,
      space: whitespace ? "yes" : "no",
    },
    statistics: (hypothesis, references) => segmentRow(hypothesis, references, settings),
    score: (sums) => ({ score: fScore(sums, settings) }),
  });
}

type Settings = Required<ChrfOptions>;

function segmentRow(
  hypothesis: string,
  references: readonly string[],
  settings: Settings,
): number[] {
  const own = ngramsOf(hypothesis, settings);
  const rows = references.map((reference) => {
    const theirs = ngramsOf(reference, settings);
    return own.flatMap((counts, i) => matchRow(counts, theirs[i]!));
  });
  const scores = rows.map((row) => fScore(row, settings));
  return rows[scores.indexOf(Math.max(...scores))]!;
}

function ngramsOf(text: string, settings: Settings): Counts[] {
  const cased = settings.lowercase ? text.toLowerCase() : text;
  const characters = settings.whitespace ? cased : words(cased).join("");
  const tokens = settings.wordOrder > 0 ? words(cased).flatMap(splitPunctuation) : [];
  return [
    ...characterNgrams(characters, settings.characterOrder),
    ...Array.from({ length: settings.wordOrder }, (_, i) => tokenNgrams(tokens, i + 1)),
  ];
}

const punctuation = new Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

/** One mark is cut off a word: the last character where that is one, else the first. */
function splitPunctuation(word: string): string[] {
  if (word.length < 2) return [word];
  if (punctuation.has(word.at(-1)!)) return [word.slice(0, -1), word.at(-1)!];
  return punctuation.has(word[0]!) ? [word[0]!, word.slice(1)] : [word];
}

/** n-grams of the hypothesis (0 where the reference has none), of the reference, and of both. */
const matchRow = (hypothesis: Counts, reference: Counts): number[] => [
  reference.size > 0 ? total(hypothesis) : 0,
  total(reference),
  overlap(hypothesis, reference),
];

function fScore(row: readonly number[], { beta, epsilonSmoothing }: Settings): number {
  const epsilon = 1e-16;
  const weight = beta ** 2;
  const f = (precision: number, recall: number): number =>
    ((1 + weight) * precision * recall) / (weight * precision + recall);
  let [sumF, precisions, recalls, orders] = [0, 0, 0, 0];
  for (let i = 0; i < row.length; i += 3) {
    const [hypothesis, reference, matches] = [row[i]!, row[i + 1]!, row[i + 2]!];
    const precision = hypothesis > 0 ? matches / hypothesis : epsilon;
    const recall = reference > 0 ? matches / reference : epsilon;
    sumF += weight * precision + recall > 0 ? f(precision, recall) : epsilon;
    if (hypothesis === 0 || reference === 0) continue;
    precisions += precision;
    recalls += recall;
    orders++;
  }
  if (epsilonSmoothing) return (100 * sumF) / (row.length / 3);
  return precisions + recalls > 0 ? 100 * f(precisions / orders, recalls / orders) : 0;
}
