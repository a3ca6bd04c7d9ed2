import { type CorpusMetric, corpusMetric } from "./corpus-metric.ts";
import { tercomTokens, type TercomOptions } from "./tercom-tokenizer.ts";
import { translationEdits } from "./translation-edits.ts";
import { stripEnd } from "./whitespace.ts";

/** The options of TER; the defaults are sacreBLEU's (and Tercom's). */
export type TerOptions = TercomOptions;

/** A translation edit rate: lower is better. */
export interface TerScore {
  /** Edits for 100 words of the reference; above 100 where more is wrong than there is. */
  readonly score: number;
  readonly edits: number;
  /** Words of the references, of each segment the average. */
  readonly referenceLength: number;
}

/**
 * Translation edit rate (Snover et al., 2006), equal to sacreBLEU's figures, which follow Tercom. A segment's row: edits
 * to the closest reference, average length of the references.
 */
export function ter(options: TerOptions = {}): CorpusMetric<TerScore> {
  const tokens = (text: string): string[] => tercomTokens(stripEnd(text), options);
  const yesNo = (value = false): string => (value ? "yes" : "no");
  return corpusMetric({
    name: "TER",
    signature: {
      case: options.caseSensitive ? "mixed" : "lc",
      tok: "tercom",
      norm: yesNo(options.normalized),
      punct: yesNo(!options.noPunctuation),
      asian: yesNo(options.asianSupport),
    },
    statistics: (hypothesis, references) => {
      const words = tokens(hypothesis);
      // sacreBLEU tokenizes references twice, which now and then splits more (an 's before a character that stands alone)
      const accepted = references.map((reference) => tokens(tokens(reference).join(" ")));
      const edits = accepted.map((reference) => translationEdits(words, reference));
      const lengths = accepted.reduce((sum, reference) => sum + reference.length, 0);
      return [Math.min(...edits), lengths / accepted.length];
    },
    score: ([edits = 0, referenceLength = 0]) => ({
      score: 100 * rate(edits, referenceLength),
      edits,
      referenceLength,
    }),
  });
}

function rate(edits: number, referenceLength: number): number {
  if (referenceLength > 0) return edits / referenceLength;
  return edits > 0 ? 1 : 0; // something where nothing was wanted
}
