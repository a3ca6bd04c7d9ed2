export { cohenKappa, krippendorffAlpha, type Measurement } from "./statistics/agreement.ts";
export {
  bootstrap,
  type BootstrapOptions,
  pairedBootstrap,
  type PairedBootstrap,
} from "./statistics/bootstrap.ts";
export { benjaminiHochberg, bonferroni, holm } from "./statistics/corrections.ts";
export {
  detectableMean,
  detectablePaired,
  detectableUnpaired,
  type PowerOptions,
} from "./statistics/detectable-effect.ts";
export {
  betaCdf,
  betaQuantile,
  binomialCdf,
  binomialPmf,
  chiSquareUpper,
  normalCdf,
  normalQuantile,
  tCdf,
  tQuantile,
  tTwoSided,
} from "./statistics/distributions.ts";
export { meanFigure, type MeanOptions, pairedT, type TTest } from "./statistics/mean-figure.ts";
export { type Discordant, discordant, mcnemar, signTest } from "./statistics/paired-tests.ts";
export {
  approximateRandomization,
  type PermutationOptions,
  type PermutationTest,
  permutationTest,
} from "./statistics/permutation.ts";
export { poolSeeds, type PoolOptions } from "./statistics/pooled-seeds.ts";
export { wilson } from "./statistics/proportion.ts";
export { mean, quantile, type Summary, summary, variance } from "./statistics/samples.ts";
export { lnGamma } from "./statistics/special.ts";
export { winRate, type WinRate } from "./statistics/win-rate.ts";
export { type AnswerScore } from "./text/answer-score.ts";
export { bleu, type BleuOptions, type BleuScore, type Smoothing } from "./text/bleu.ts";
export { chrf, type ChrfOptions, type ChrfScore } from "./text/chrf.ts";
export { type CorpusMetric, sacrebleuVersion, sumRows } from "./text/corpus-metric.ts";
export { drop } from "./text/drop.ts";
export { exactMatch, type MatchOptions, tally, type Tally } from "./text/match.ts";
export { mlqa, type MlqaLanguage } from "./text/mlqa.ts";
export { porterStem } from "./text/porter-stemmer.ts";
export { rouge, type RougeOptions, type RougeScore, type RougeScores } from "./text/rouge.ts";
export { normalizeSquad, squad } from "./text/squad.ts";
export { ter, type TerOptions, type TerScore } from "./text/ter.ts";
export { type Tokenizer, type TokenizerName, tokenizerOf } from "./text/tokenizers.ts";
export { distinct, repetition, type Repetition, typeTokenRatio } from "./text/variety.ts";
