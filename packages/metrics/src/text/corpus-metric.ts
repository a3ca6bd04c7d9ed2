import { PostgradError } from "@postgrad/schema";

/**
 * A metric of a system's texts against reference texts. What it needs of a segment is a row of numbers, and a corpus'
 * score is a function of the sum of the rows: so a bootstrap resamples rows and never reads a text twice.
 */
export interface CorpusMetric<Score> {
  /** The metric's name as sacreBLEU prints it, e.g. `chrF2++`. */
  readonly name: string;
  /** The score of a corpus; `references[i]` holds every accepted text for `hypotheses[i]`. */
  corpus(hypotheses: readonly string[], references: readonly (readonly string[])[]): Score;
  /** The score of one text. */
  sentence(hypothesis: string, references: readonly string[]): Score;
  /** The row of numbers of one segment. */
  statistics(hypothesis: string, references: readonly string[]): number[];
  /** The score that a sum of rows gives. */
  fromStatistics(sums: readonly number[]): Score;
  /** Everything a figure depends on in one line, as sacreBLEU writes it; `references` is the number for each segment. */
  signature(references: number | "var"): string;
}

/** The release of sacreBLEU whose figures and signatures BLEU, chrF and TER equal. */
export const sacrebleuVersion = "2.6.0";

/** What a metric has to say for itself; the rest of {@link CorpusMetric} follows. */
export interface CorpusMetricDefinition<Score> {
  readonly name: string;
  readonly signature: Readonly<Record<string, string | number>>;
  readonly statistics: (hypothesis: string, references: readonly string[]) => number[];
  readonly score: (sums: readonly number[]) => Score;
  /** Where a single sentence is scored by another rule than a corpus. */
  readonly sentenceScore?: (sums: readonly number[]) => Score;
}

/** Makes a corpus metric out of its two parts: the numbers of a segment, and the score of their sum. */
export function corpusMetric<Score>(
  definition: CorpusMetricDefinition<Score>,
): CorpusMetric<Score> {
  const { name, score, sentenceScore = score } = definition;
  const statistics = (hypothesis: string, references: readonly string[]): number[] => {
    if (references.length === 0) throw noReference(name, hypothesis);
    return definition.statistics(hypothesis, references);
  };
  return {
    name,
    statistics,
    fromStatistics: score,
    sentence: (hypothesis, references) => sentenceScore(statistics(hypothesis, references)),
    corpus: (hypotheses, references) => {
      checkLengths(name, hypotheses.length, references.length);
      return score(
        sumRows(hypotheses.map((hypothesis, i) => statistics(hypothesis, references[i]!))),
      );
    },
    signature: (references) =>
      Object.entries({ nrefs: references, ...definition.signature, version: sacrebleuVersion })
        .map(([key, value]) => `${key}:${value}`)
        .join("|"),
  };
}

/** The column sums of `rows`, which are of one length. */
export function sumRows(rows: readonly (readonly number[])[]): number[] {
  const sums = Array.from(rows[0] ?? [], () => 0);
  for (const row of rows) for (let i = 0; i < sums.length; i++) sums[i]! += row[i]!;
  return sums;
}

function checkLengths(name: string, hypotheses: number, references: number): void {
  if (hypotheses !== references)
    throw new PostgradError(
      "metrics/lengths",
      `${name}: ${hypotheses} hypotheses but references for ${references}; give one list of references for each hypothesis`,
    );
  if (hypotheses === 0)
    throw new PostgradError("metrics/empty", `${name}: there is no hypothesis to score`);
}

const noReference = (name: string, hypothesis: string): PostgradError =>
  new PostgradError(
    "metrics/no-reference",
    `${name}: the hypothesis ${JSON.stringify(hypothesis.slice(0, 60))} has no reference; leave the item out and count it`,
  );
