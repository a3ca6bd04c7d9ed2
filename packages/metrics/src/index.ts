export { bleu, type BleuOptions, type BleuScore, type Smoothing } from "./text/bleu.ts";
export { chrf, type ChrfOptions, type ChrfScore } from "./text/chrf.ts";
export { type CorpusMetric, sacrebleuVersion } from "./text/corpus-metric.ts";
export { type Tokenizer, type TokenizerName, tokenizerOf } from "./text/tokenizers.ts";
export { ter, type TerOptions, type TerScore } from "./text/ter.ts";
